//! The SQLite store: the contract, and what a file on a disk shared by processes adds to it.

#[path = "sqlite/common.rs"]
mod common;

use cloakroom::store::AnyStore;

cloakroom::store_conformance!(sqlite, super::common::fresh().await);
cloakroom::store_conformance!(
    namespace,
    super::common::fresh().await.with_namespace("a").with_namespace("b")
);
cloakroom::store_conformance!(erased, super::AnyStore::new(super::common::fresh().await));
