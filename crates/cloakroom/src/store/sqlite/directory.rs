//! Finding sessions without their handle.

use rusqlite::params;

use super::SqliteStore;
use super::database::Database;
use super::failure::Failure;
use super::row::{self, AFTER_COLUMNS, columns, millis};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

impl Directory for SqliteStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        let (namespace, subject) = (self.namespace.clone(), subject.to_owned());
        Box::pin(self.read(move |db| by_subject(db, &namespace, &subject, now)))
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        let namespace = self.namespace.clone();
        Box::pin(self.read(move |db| page(db, &namespace, after, limit, now)))
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        let namespace = self.namespace.clone();
        Box::pin(self.read(move |db| count(db, &namespace, now)))
    }
}

static BY_SUBJECT: &str = concat!(
    "SELECT ",
    columns!(),
    ", handle FROM sessions WHERE namespace = ?1 AND subject = ?2 AND +expires_at > ?3"
);

fn by_subject(
    db: &mut Database<'_>,
    namespace: &str,
    subject: &str,
    now: UnixMillis,
) -> Result<Vec<(SessionHandle, Record)>, Failure> {
    list(db.statement(BY_SUBJECT)?.query(params![namespace, subject, millis(now)])?, usize::MAX)
}

// The plus keeps the planner from the index of the expiry, which would sort all sessions for each page.
static PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    ", handle FROM sessions WHERE namespace = ?1 AND handle > ?2 AND +expires_at > ?3 \
     ORDER BY handle"
);
static FIRST_PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    ", handle FROM sessions WHERE namespace = ?1 AND +expires_at > ?2 ORDER BY handle"
);

fn page(
    db: &mut Database<'_>,
    namespace: &str,
    after: Option<SessionHandle>,
    limit: usize,
    now: UnixMillis,
) -> Result<Vec<(SessionHandle, Record)>, Failure> {
    let now = millis(now);
    let rows = match after {
        Some(after) => db.statement(PAGE)?.query(params![namespace, after.as_bytes(), now])?,
        None => db.statement(FIRST_PAGE)?.query(params![namespace, now])?,
    };
    list(rows, limit)
}

static COUNT: &str = "SELECT count(*) FROM sessions WHERE namespace = ?1 AND expires_at > ?2";

fn count(db: &mut Database<'_>, namespace: &str, now: UnixMillis) -> Result<u64, Failure> {
    let count: i64 =
        db.statement(COUNT)?.query_row(params![namespace, millis(now)], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The first `limit` records. Rows that are none are left out: one of them must not hide all others from an
/// operator. It cannot be loaded either, so nobody is signed in by it.
fn list(
    mut rows: rusqlite::Rows<'_>,
    limit: usize,
) -> Result<Vec<(SessionHandle, Record)>, Failure> {
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let handle = row::handle(row, AFTER_COLUMNS)?;
        match row::record(row) {
            Ok(record) => found.push((handle, record)),
            Err(_) => tracing::warn!(store = super::NAME, %handle, "record cannot be read"),
        }
    }
    Ok(found)
}
