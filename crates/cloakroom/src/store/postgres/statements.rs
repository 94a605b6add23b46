//! The SQL: one statement a call, its text fixed when the store is built, every value bound.
//!
//! A conditional statement is one change with `RETURNING`, since most do what they are for. Why one did not is
//! told by a second that looks, at what may have changed meanwhile.

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
    /// 1 namespace, 2 handle, 3 unused, 4… record. One row unless the handle has one already.
    pub(super) add: String,
    /// 1 namespace, 2 handle, 3 now, 4… record. One row if it took the place of a dead one.
    pub(super) replace: String,
    /// 1 namespace, 2 handle, 3 now, 4… record, 21 expected revision. One row if that was found.
    pub(super) update: String,
    /// 1 namespace, 2 handle, 3 now, 4 why, 5 until when to remember it, 6 expected revision. One row if that was
    /// found.
    pub(super) end: String,
    /// 1 namespace, 2 handle, 3 now. The revision of a live session.
    pub(super) revision: String,
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
        let told = channel
            .map(|channel| format!("pg_notify('{channel}', $1 || '/' || encode($2, 'hex'))"));
        let end = |condition: &str| {
            format!(
                "WITH changed AS (UPDATE {table} SET ended = $4, expires_at = $5, \
                 expires_minute = {}{forget} WHERE {KEY} AND {LIVE}{condition} RETURNING 1) \
                 SELECT {} FROM changed",
                minute("$5"),
                told.as_deref().unwrap_or("1")
            )
        };
        Self {
            load: format!("SELECT {READ}, false FROM {table} WHERE {KEY}"),
            renew: renew(&table),
            add: add(&table),
            replace: format!(
                "UPDATE {table} SET ended = NULL, {} WHERE {KEY} AND NOT ({LIVE}) RETURNING 1",
                assignments()
            ),
            update: format!(
                "UPDATE {table} SET {} WHERE {KEY} AND {LIVE} AND revision = $21 RETURNING 1",
                assignments()
            ),
            end: end(" AND revision = $6"),
            revision: format!("SELECT revision FROM {table} WHERE {KEY} AND {LIVE}"),
            touch: format!(
                "UPDATE {table} SET idle_deadline = $4, {} WHERE {KEY} AND {LIVE} RETURNING 1",
                expires("$4")
            ),
            delete: end(""),
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
            // A handle of any other length is none, and no page could go on after it.
            page: format!(
                "SELECT {READ} FROM {table} WHERE namespace = $1 AND handle > COALESCE($2, ''::bytea) \
                 AND length(handle) = 16 AND {LIVE} ORDER BY handle LIMIT $4"
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
    format!("{}, expires_minute = {}", each.join(", "), minute("$4"))
}

fn minute(moment: &str) -> String {
    format!("{moment} / 60000")
}

/// When a session ends whose idle deadline becomes another.
fn expires(deadline: &str) -> String {
    let earlier = format!("LEAST({deadline}, absolute_deadline)");
    format!("expires_at = {earlier}, expires_minute = {}", minute(&earlier))
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
        "WITH renewed AS (UPDATE {table} SET idle_deadline = {deadline}, {} \
         WHERE {KEY} AND {due} RETURNING {READ}) \
         SELECT *, false FROM renewed UNION ALL \
         SELECT {READ}, {due} FROM {table} WHERE {KEY} AND NOT EXISTS (SELECT FROM renewed)",
        expires(&deadline)
    )
}

/// Adds a row. Nearly every create needs no more: a handle is random, and has a row only if it was in use before.
fn add(table: &str) -> String {
    let names: Vec<_> = RECORD.iter().map(|(name, _)| *name).collect();
    let values = RECORD.iter().enumerate();
    let values: Vec<_> = values.map(|(n, (_, cast))| format!("${}{cast}", n + FIRST)).collect();
    format!(
        "INSERT INTO {table} (namespace, handle, {}, expires_minute) VALUES ($1, $2, {}, {}) \
         ON CONFLICT DO NOTHING RETURNING 1",
        names.join(", "),
        values.join(", "),
        minute("$4")
    )
}
