//! Looking at a store's file from outside.

use std::path::Path;

use rusqlite::Connection;

/// A connection of somebody else to the file of a store.
pub(crate) fn foreign(path: &Path) -> Connection {
    Connection::open(path).expect("it opens")
}
