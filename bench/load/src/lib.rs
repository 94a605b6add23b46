//! How an application of a bench is loaded and asked: the same for the library and for a peer, which cannot be in
//! one program since their drivers bring different versions of one C library.
//!
//! An application is an axum [`Router`](axum::Router) with a route for each [`Action`], in a program of its own
//! that calls [`serve`]. The bench starts it as a [`Subject`] and gives it [`Order`]s through its standard input.
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

mod order;
mod serve;
mod subject;
mod visitors;

pub use self::order::{Action, Answer, Order};
pub use self::serve::serve;
pub use self::subject::Subject;

/// Keys of a session that is not new, named `key00` and on; `key00` is read and written.
pub const KEYS: usize = 4;

/// Bytes of the value of each key.
pub const BYTES: usize = 25;
