//! The program and a live Litestar application on the same sessions, in turn and at once, over HTTP.
#![cfg(feature = "litestar")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod process;

#[path = "litestar/at_once.rs"]
mod at_once;
#[path = "litestar/in_turn.rs"]
mod in_turn;
#[path = "litestar/sides.rs"]
mod sides;
