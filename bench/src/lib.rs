//! What the benches share: the rows of requests and the services they go to.
//!
//! The counting allocator is not here but in `main.rs`, so that other binaries have the plain one.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

pub mod rows;
pub mod services;
