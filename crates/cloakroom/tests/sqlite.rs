//! The SQLite store: the contract, and what a file on a disk shared by processes adds to it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "sqlite/cancel.rs"]
mod cancel;
#[path = "sqlite/common.rs"]
mod common;
#[path = "sqlite/corrupt.rs"]
mod corrupt;
#[path = "sqlite/ends.rs"]
mod ends;
#[path = "sqlite/files.rs"]
mod files;
#[path = "sqlite/full.rs"]
mod full;
#[path = "sqlite/groups.rs"]
mod groups;
#[path = "sqlite/locks.rs"]
mod locks;
#[path = "sqlite/namespaces.rs"]
mod namespaces;
#[path = "sqlite/processes.rs"]
mod processes;
#[path = "sqlite/spread_store.rs"]
mod spread_store;
#[path = "sqlite/values.rs"]
mod values;

use cloakroom::store::AnyStore;

cloakroom::store_conformance!(sqlite, super::common::fresh().await);
cloakroom::store_conformance!(
    namespace,
    super::common::fresh().await.with_namespace("a").with_namespace("b")
);
cloakroom::store_conformance!(erased, super::AnyStore::new(super::common::fresh().await));
cloakroom::store_conformance!(spread, super::spread_store::Spread::fresh().await);
