//! The file store: the contract, and what a folder shared by processes adds to it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "file/cancel.rs"]
mod cancel;
#[path = "file/common.rs"]
mod common;
#[path = "file/ends.rs"]
mod ends;
#[path = "file/folder.rs"]
mod folder;
#[path = "file/full.rs"]
mod full;
#[path = "file/namespaces.rs"]
mod namespaces;
#[path = "file/processes.rs"]
mod processes;
#[path = "file/spread_store.rs"]
mod spread_store;
#[path = "file/sweeps.rs"]
mod sweeps;

cloakroom::store_conformance!(file, super::common::fresh().await);
cloakroom::store_conformance!(
    namespace,
    super::common::fresh().await.with_namespace("a").with_namespace("b")
);
cloakroom::store_conformance!(spread, super::spread_store::Spread::fresh().await);
