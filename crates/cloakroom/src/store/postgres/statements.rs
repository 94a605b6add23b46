//! The SQL: one statement a call, its text fixed when the store is built, every value bound.
//!
//! A statement reads the table as it was when the statement began, but changes a row as it is when its turn
//! comes. Where the two differ a statement answers `again`, and the call is made again: that is rare, and the
//! second time another writer's change is seen.

use super::names::Names;
use crate::time::UnixMillis;

/// The columns of a record, in the order in which rows are written; the first is parameter 4.
///
/// JSON goes through text, both ways: it is bytes that the database keeps as they are.
const RECORD: [(&str, &str); 17] = [
    ("expires_at", ""),
    ("revision", ""),
    ("secret_hash", ""),
    ("created_at", ""),
    ("idle_deadline", ""),
    ("max_age", ""),
    ("absolute_deadline", ""),
    ("authenticated_at", ""),
    ("secret_since", ""),
    ("previous_hash", ""),
    ("previous_nonce", ""),
    ("previous_until", ""),
    ("subject", ""),
    ("labels", "::json"),
    ("browser_session", ""),
    ("data", "::json"),
    ("data_bytes", ""),
];
const FIRST: usize = 4;

/// What a query returns of a row, in the order in which rows are read.
const READ: &str = "handle, ended, expires_at, revision, secret_hash, created_at, idle_deadline, max_age, \
     absolute_deadline, authenticated_at, secret_since, previous_hash, previous_nonce, previous_until, subject, \
     labels::text, browser_session, data::text, data_bytes";

const KEY: &str = "namespace = $1 AND handle = $2";
const LIVE: &str = "ended IS NULL AND expires_at > $3";

/// All statements of a store.
#[derive(Debug)]
pub(super) struct Statements {
    /// 1 namespace, 2 handle.
    pub(super) load: String,
    /// 1 namespace, 2 handle, 3 now, 4 secret hash, 5 least step or NULL. Also whether to ask again.
    pub(super) renew: String,
    /// 1 namespace, 2 handle, 3 unused, 4… record. One row unless the handle has a row already.
    pub(super) add: String,
    /// 1 namespace, 2 handle, 3 now, 4… record. Says `created`, `occupied` or `again`.
    pub(super) replace: String,
    /// 1 namespace, 2 handle, 3 now, 4… record, 21 expected revision. Says `updated`, `conflict`, `gone` or
    /// `again`.
    pub(super) update: String,
    /// 1 namespace, 2 handle, 3 now, 4 expected revision, 5 why, 6 until when to remember it. Says the same.
    pub(super) end: String,
    /// 1 namespace, 2 handle, 3 now, 4 deadline. One row if there was a live one.
    pub(super) touch: String,
    /// 1 namespace, 2 handle, 3 now, 4 why, 5 until when to remember it. One row if there was a live one.
    pub(super) delete: String,
    /// 1 namespace, 2 now, 3 limit. One row for each that it removed.
    pub(super) delete_expired: String,
    /// 1 namespace, 2 subject, 3 now.
    pub(super) by_subject: String,
    /// 1 namespace, 2 handle or NULL, 3 now, 4 limit.
    pub(super) page: String,
    /// 1 namespace, 2 unused, 3 now.
    pub(super) count: String,
    /// Fails unless the table has all columns; one row with the encoding of the database.
    pub(super) check: String,
}

impl Statements {
    /// `channel` is where ends are told, if they are.
    pub(super) fn new(names: &Names, channel: Option<&str>) -> Self {
        let table = names.table();
        let forget: String =
            RECORD[1..].iter().map(|(name, _)| format!(", {name} = NULL")).collect();
        let changed = |expected: &str, told: &str| compare_and_set(&table, expected, told);
        let told = channel
            .map(|channel| format!("pg_notify('{channel}', $1 || '/' || encode($2, 'hex'))"));
        Self {
            load: format!("SELECT {READ}, false FROM {table} WHERE {KEY}"),
            renew: renew(&table),
            add: add(&table),
            replace: format!(
                "WITH replaced AS (UPDATE {table} SET ended = NULL, {} \
                 WHERE {KEY} AND NOT ({LIVE}) RETURNING 1) \
                 SELECT CASE WHEN EXISTS (SELECT FROM replaced) THEN 'created' \
                 WHEN EXISTS (SELECT FROM {table} WHERE {KEY} AND {LIVE}) THEN 'occupied' ELSE 'again' END",
                assignments()
            ),
            update: format!(
                "WITH changed AS (UPDATE {table} SET {} WHERE {KEY} AND {LIVE} AND revision = $21 \
                 RETURNING 1){}",
                assignments(),
                changed("$21", "'updated'")
            ),
            end: format!(
                "WITH changed AS (UPDATE {table} SET ended = $5, expires_at = $6{forget} \
                 WHERE {KEY} AND {LIVE} AND revision = $4 RETURNING 1){}",
                changed(
                    "$4",
                    &told.as_ref().map_or("'updated'".to_owned(), |told| {
                        format!("'updated' || ({told})::text")
                    })
                )
            ),
            touch: format!(
                "UPDATE {table} SET idle_deadline = $4, expires_at = LEAST($4, absolute_deadline) \
                 WHERE {KEY} AND {LIVE} RETURNING 1"
            ),
            delete: format!(
                "WITH changed AS (UPDATE {table} SET ended = $4, expires_at = $5{forget} \
                 WHERE {KEY} AND {LIVE} RETURNING 1) SELECT {} FROM changed",
                told.as_deref().unwrap_or("1")
            ),
            // What is locked is being renewed, updated, or removed by another sweep.
            delete_expired: format!(
                "WITH dead AS (SELECT handle FROM {table} WHERE namespace = $1 \
                 AND expires_minute <= $2 / 60000 AND expires_at <= $2 \
                 ORDER BY expires_minute LIMIT $3 FOR UPDATE SKIP LOCKED) \
                 DELETE FROM {table} AS row USING dead WHERE row.namespace = $1 \
                 AND row.handle = dead.handle AND row.expires_at <= $2 RETURNING 1"
            ),
            by_subject: format!(
                "SELECT {READ} FROM {table} WHERE namespace = $1 AND subject = $2 AND {LIVE}"
            ),
            page: format!(
                "SELECT {READ} FROM {table} WHERE namespace = $1 AND handle > COALESCE($2, ''::bytea) \
                 AND {LIVE} ORDER BY handle LIMIT $4"
            ),
            count: format!("SELECT count(*) FROM {table} WHERE namespace = $1 AND {LIVE}"),
            check: format!(
                "SELECT current_setting('server_encoding'), \
                 (SELECT count(*) FROM (SELECT {READ} FROM {table} LIMIT 0) AS none)"
            ),
        }
    }
}

/// `column = $n, …` for all columns of a record.
fn assignments() -> String {
    let each = RECORD.iter().enumerate();
    let each: Vec<_> =
        each.map(|(n, (name, cast))| format!("{name} = ${}{cast}", n + FIRST)).collect();
    each.join(", ")
}

/// Renews what is due in the same step as it reads: a read that renews nothing locks and writes nothing.
fn renew(table: &str) -> String {
    let max = UnixMillis::MAX.as_millis();
    let deadline = format!("LEAST($3 + max_age, {max})");
    // A tenth is rounded up, because a step in whole milliseconds is compared with it.
    let due = format!(
        "{LIVE} AND secret_hash = $4 \
         AND {deadline} - idle_deadline >= GREATEST(1, COALESCE($5, (max_age + 9) / 10))"
    );
    format!(
        "WITH renewed AS (UPDATE {table} SET idle_deadline = {deadline}, \
         expires_at = LEAST({deadline}, absolute_deadline) WHERE {KEY} AND {due} RETURNING {READ}) \
         SELECT *, false FROM renewed UNION ALL \
         SELECT {READ}, {due} FROM {table} WHERE {KEY} AND NOT EXISTS (SELECT FROM renewed)"
    )
}

/// Adds a row. Nearly every create needs no more: a handle is random, and has a row only if it was in use before.
fn add(table: &str) -> String {
    let names: Vec<_> = RECORD.iter().map(|(name, _)| *name).collect();
    let values = RECORD.iter().enumerate();
    let values: Vec<_> = values.map(|(n, (_, cast))| format!("${}{cast}", n + FIRST)).collect();
    format!(
        "INSERT INTO {table} (namespace, handle, {}) VALUES ($1, $2, {}) ON CONFLICT DO NOTHING RETURNING 1",
        names.join(", "),
        values.join(", ")
    )
}

/// What to answer after `changed` did, or did not, what was asked if the revision was the `expected` one.
///
/// The row is looked at under a lock, so that it is read as it was when `changed` found it changed by another.
fn compare_and_set(table: &str, expected: &str, updated: &str) -> String {
    format!(
        ", there AS (SELECT revision FROM {table} WHERE {KEY} AND {LIVE} \
         AND NOT EXISTS (SELECT FROM changed) FOR SHARE) \
         SELECT COALESCE((SELECT {updated} FROM changed), (SELECT CASE WHEN revision <> {expected} \
         THEN 'conflict' ELSE 'again' END FROM there), 'gone')"
    )
}
