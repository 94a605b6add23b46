//! Litestar's server-side sessions, behaviour by behaviour: what is the same here, and what is better.
//!
//! Tests are named after the rows of the table in `docs/litestar.md`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "tower/app.rs"]
mod app;
#[path = "parity/clearing.rs"]
mod clearing;
#[path = "parity/operators.rs"]
mod operators;
#[path = "parity/site.rs"]
mod site;
#[path = "parity/stores.rs"]
mod stores;
