//! The file store: the contract, and what a folder shared by processes adds to it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "file/cancel.rs"]
mod cancel;
#[path = "embedded/common.rs"]
mod common;
#[path = "file/ends.rs"]
mod ends;
#[path = "file/folder.rs"]
mod folder;
#[path = "embedded/full.rs"]
mod full;
#[path = "embedded/namespaces.rs"]
mod namespaces;
#[path = "embedded/processes.rs"]
mod processes;
#[path = "embedded/restored.rs"]
mod restored;
#[path = "file/signing_out.rs"]
mod signing_out;
#[path = "embedded/spread_store.rs"]
mod spread_store;
#[path = "file/sweeps.rs"]
mod sweeps;

use std::path::Path;

// What the tests in `embedded/` ask of a store whose file system is that of one machine.
pub(crate) use cloakroom::store::{FileStore as Embedded, FileStoreBuilder as EmbeddedBuilder};
pub(crate) use signing_out::sign_out_without_space;

pub(crate) const NAME: &str = "file";

/// A folder has no structure of its own that could break.
pub(crate) fn check_sound(_: &Path) {}

cloakroom::store_conformance!(file, super::common::fresh().await);
cloakroom::store_conformance!(
    namespace,
    super::common::fresh().await.with_namespace("a").with_namespace("b")
);
cloakroom::store_conformance!(spread, super::spread_store::Spread::fresh().await);
