//! A small shop on top of cloakroom: a cart, accounts, and a list of devices.
//!
//! `cargo run` starts it on <http://127.0.0.1:3000>. Everything works without JavaScript; the one script
//! only tells an open page that its session has ended elsewhere. Modules in reading order: [`app()`] puts the
//! site together, `pages` holds one file for each part of it, `visit` is who is asking, `flash` and `cart`
//! are what is kept in the session.

mod app;
mod assets;
mod cart;
mod catalogue;
mod error;
mod flash;
mod live;
mod pages;
mod passwords;
mod times;
mod user_agent;
mod users;
mod visit;

pub use app::{App, app, config};
