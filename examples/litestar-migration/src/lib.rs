//! A shop that was written for Litestar (`shop.py`) and is moved to Rust, one route at a time. README.md tells how.
//!
//! [`sessions`] is what a move is about: the session layers of its steps. [`shop`] is the application, the same in
//! every step. [`site`] starts it on one's own machine, with Redis, Litestar and nginx.

pub mod sessions;
pub mod shop;
pub mod site;
