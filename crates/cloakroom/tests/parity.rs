//! Litestar's server-side sessions, behaviour by behaviour: what is the same here, and what is better.
//!
//! Tests are named after the rows of the table in `docs/litestar.md`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "tower/app.rs"]
mod app;
#[path = "parity/backend.rs"]
mod backend;
#[path = "parity/clearing.rs"]
mod clearing;
#[path = "parity/concurrency.rs"]
mod concurrency;
#[path = "parity/config.rs"]
mod config;
#[path = "parity/exclusion.rs"]
mod exclusion;
#[path = "parity/expiry.rs"]
mod expiry;
#[path = "parity/failure.rs"]
mod failure;
#[path = "parity/files.rs"]
mod files;
#[path = "parity/freeing.rs"]
mod freeing;
#[path = "parity/growth.rs"]
mod growth;
#[path = "parity/identity.rs"]
mod identity;
#[path = "parity/operators.rs"]
mod operators;
#[path = "parity/request.rs"]
mod request;
#[path = "parity/responses.rs"]
mod responses;
#[path = "parity/site.rs"]
mod site;
#[path = "embedded/small_disk.rs"]
mod small_disk;
#[path = "parity/stores.rs"]
mod stores;
