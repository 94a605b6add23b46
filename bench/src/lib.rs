//! What the benches share: the rows of requests and their services, stores full of sessions, the machine.
//!
//! The counting allocator is not here but in `main.rs`, so that other binaries have the plain one.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

pub mod machine;
pub mod rows;
pub mod services;
pub mod sessions;
pub mod waits;
