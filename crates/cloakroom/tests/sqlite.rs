//! The SQLite store: the contract, and what a file on a disk shared by processes adds to it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "sqlite/cancel.rs"]
mod cancel;
#[path = "embedded/common.rs"]
mod common;
#[path = "sqlite/corrupt.rs"]
mod corrupt;
#[path = "sqlite/ends.rs"]
mod ends;
#[path = "sqlite/files.rs"]
mod files;
#[path = "sqlite/foreign.rs"]
mod foreign;
#[path = "embedded/full.rs"]
mod full;
#[path = "sqlite/groups.rs"]
mod groups;
#[path = "sqlite/locks.rs"]
mod locks;
#[path = "embedded/namespaces.rs"]
mod namespaces;
#[path = "sqlite/page_limit.rs"]
mod page_limit;
#[path = "embedded/processes.rs"]
mod processes;
#[path = "embedded/restored.rs"]
mod restored;
#[path = "embedded/spread_store.rs"]
mod spread_store;
#[path = "sqlite/values.rs"]
mod values;

use std::path::Path;

use cloakroom::store::AnyStore;
// What the tests in `embedded/` ask of a store whose file system is that of one machine.
pub(crate) use cloakroom::store::{SqliteStore as Embedded, SqliteStoreBuilder as EmbeddedBuilder};

pub(crate) const NAME: &str = "sqlite";

pub(crate) fn check_sound(path: &Path) {
    let check = foreign::foreign(path).query_row("PRAGMA integrity_check", [], |row| row.get(0));
    assert_eq!(check, Ok("ok".to_owned()));
}

/// SQLite needs space also to delete.
pub(crate) async fn sign_out_without_space(_: &Embedded, _: &Path) {}

cloakroom::store_conformance!(sqlite, super::common::fresh().await);
cloakroom::store_conformance!(
    namespace,
    super::common::fresh().await.with_namespace("a").with_namespace("b")
);
cloakroom::store_conformance!(erased, super::AnyStore::new(super::common::fresh().await));
cloakroom::store_conformance!(spread, super::spread_store::Spread::fresh().await);
