//! The SQL: its text fixed when the store is built, every value bound.
//!
//! Each statement is a transaction of its own, and each change says in its `WHERE` what it relies on. What it
//! found is known from the number of rows, and where that may be 0 because nothing had to be changed, or because
//! of another writer, from a look at the row afterwards.

use std::sync::Arc;

use super::names::Names;

/// The columns of a record, in the order in which rows are written.
const RECORD: [&str; 17] = [
    "expires_at",
    "revision",
    "secret_hash",
    "created_at",
    "idle_deadline",
    "max_age",
    "absolute_deadline",
    "authenticated_at",
    "secret_since",
    "previous_hash",
    "previous_nonce",
    "previous_until",
    "subject",
    "labels",
    "browser_session",
    "data",
    "data_bytes",
];

const KEY: &str = "namespace = ? AND handle = ?";
/// The last value of it is now.
const LIVE: &str = "ended IS NULL AND expires_at > ?";

/// All statements of a store. The values of each stand in the order in which they are bound.
#[derive(Debug)]
pub(super) struct Statements {
    /// namespace, handle.
    pub(super) load: Arc<str>,
    /// idle deadline, deadline, namespace, handle, now, revision, idle deadline as it was read.
    pub(super) renew: Arc<str>,
    /// namespace, handle, record. A row of that key is an error.
    pub(super) insert: Arc<str>,
    /// record, namespace, handle, now. Changes a dead row alone.
    pub(super) replace: Arc<str>,
    /// record, namespace, handle, now, expected revision.
    pub(super) update: Arc<str>,
    /// why, until when to remember it, namespace, handle, now, expected revision.
    pub(super) end: Arc<str>,
    /// idle deadline, and again, and again, namespace, handle, now.
    pub(super) touch: Arc<str>,
    /// why, until when to remember it, namespace, handle, now.
    pub(super) delete: Arc<str>,
    /// namespace, now in minutes, now, limit.
    pub(super) delete_expired: Arc<str>,
    /// namespace, subject, now.
    pub(super) by_subject: Arc<str>,
    /// namespace, now, limit.
    pub(super) first_page: Arc<str>,
    /// namespace, handle, now, limit.
    pub(super) page: Arc<str>,
    /// namespace, now.
    pub(super) count: Arc<str>,
}

impl Statements {
    pub(super) fn new(names: &Names) -> Self {
        let table = names.table();
        let columns = RECORD.join(", ");
        let read = format!("handle, ended, {columns}");
        let places = ["?"; RECORD.len()].join(", ");
        let assign: Vec<_> = RECORD.iter().map(|name| format!("{name} = ?")).collect();
        let assign = assign.join(", ");
        let wiped: String = RECORD[1..].iter().map(|name| format!(", {name} = NULL")).collect();
        let wipe = format!("UPDATE {table} SET ended = ?, expires_at = ?{wiped}");
        let select = format!("SELECT {read} FROM {table}");
        Self {
            load: format!("{select} WHERE {KEY}").into(),
            renew: format!(
                "UPDATE {table} SET idle_deadline = ?, expires_at = ? \
                 WHERE {KEY} AND {LIVE} AND revision = ? AND idle_deadline = ?"
            )
            .into(),
            insert: format!(
                "INSERT INTO {table} (namespace, handle, {columns}) VALUES (?, ?, {places})"
            )
            .into(),
            replace: format!("UPDATE {table} SET ended = NULL, {assign} WHERE {KEY} AND NOT ({LIVE})")
                .into(),
            update: format!("UPDATE {table} SET {assign} WHERE {KEY} AND {LIVE} AND revision = ?")
                .into(),
            end: format!("{wipe} WHERE {KEY} AND {LIVE} AND revision = ?").into(),
            // Nothing is the least of NULL and anything.
            touch: format!(
                "UPDATE {table} SET idle_deadline = ?, \
                 expires_at = LEAST(?, COALESCE(absolute_deadline, ?)) WHERE {KEY} AND {LIVE}"
            )
            .into(),
            delete: format!("{wipe} WHERE {KEY} AND {LIVE}").into(),
            delete_expired: format!(
                "DELETE FROM {table} WHERE namespace = ? AND expires_minute <= ? AND expires_at <= ? \
                 ORDER BY expires_minute LIMIT ?"
            )
            .into(),
            by_subject: format!("{select} WHERE namespace = ? AND subject = ? AND {LIVE}").into(),
            first_page: format!("{select} WHERE namespace = ? AND {LIVE} ORDER BY handle LIMIT ?")
                .into(),
            page: format!(
                "{select} WHERE namespace = ? AND handle > ? AND {LIVE} ORDER BY handle LIMIT ?"
            )
            .into(),
            count: format!("SELECT COUNT(*) FROM {table} WHERE namespace = ? AND {LIVE}").into(),
        }
    }
}
