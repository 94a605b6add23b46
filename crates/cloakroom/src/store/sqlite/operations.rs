//! What each call does, inside a transaction.
//!
//! Every condition of the contract is in the statement that acts on it. Nothing is replaced where it should be
//! there already: a row comes from `create` alone.

use std::sync::Arc;

use rusqlite::{OptionalExtension, ToSql, params, params_from_iter};

use super::database::Database;
use super::failure::Failure;
use super::row::{self, Columns, columns, millis};
use crate::id::SessionHandle;
use crate::record::Revision;
use crate::store::{Created, Ended, Lookup, Renewal, Updated};
use crate::time::UnixMillis;

/// Which session a call is about, and when it is.
#[derive(Clone)]
pub(super) struct At {
    pub(super) namespace: Arc<str>,
    pub(super) key: SessionHandle,
    pub(super) now: UnixMillis,
}

static SELECT: &str =
    concat!("SELECT ", columns!(), " FROM sessions WHERE namespace = ?1 AND handle = ?2");

/// Finds a record, and why there is none.
pub(super) fn load(db: &mut Database<'_>, at: &At) -> Result<Lookup, Failure> {
    let mut rows = db.statement(SELECT)?.query(params![at.namespace, at.key.as_bytes()])?;
    let found = rows.next()?.map(row::record).transpose()?;
    drop(rows);
    match found {
        Some(record) if record.is_expired(at.now) => Ok(Lookup::Absent(Some(Ended::Expired))),
        Some(record) => Ok(Lookup::Live(record)),
        None => Ok(Lookup::Absent(why(db, at)?)),
    }
}

/// Finds a record and renews it if that is due.
pub(super) fn load_and_renew(
    db: &mut Database<'_>,
    at: &At,
    renewal: &Renewal,
) -> Result<Lookup, Failure> {
    let lookup = load(db, at)?;
    let Lookup::Live(record) = &lookup else { return Ok(lookup) };
    let Some(deadline) = renewal.due(record, at.now) else { return Ok(lookup) };
    touch(db, at, deadline)?;
    Ok(Lookup::Live(record.clone().with_idle_deadline(deadline)))
}

static INSERT: &str = concat!(
    "INSERT INTO sessions (",
    columns!(),
    ", namespace, handle) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
     ON CONFLICT DO NOTHING"
);
static DELETE_EXPIRED_ONE: &str =
    "DELETE FROM sessions WHERE namespace = ?1 AND handle = ?2 AND expires_at <= ?3";
static FORGET: &str = "DELETE FROM ended WHERE namespace = ?1 AND handle = ?2";

pub(super) fn create(
    db: &mut Database<'_>,
    at: &At,
    columns: &Columns,
) -> Result<Created, Failure> {
    let key = at.key.as_bytes();
    let own: [&dyn ToSql; 2] = [&at.namespace, key];
    let values = || params_from_iter(columns.values().into_iter().chain(own));
    if db.statement(INSERT)?.execute(values())? == 0 {
        let expired = params![at.namespace, key, millis(at.now)];
        if db.statement(DELETE_EXPIRED_ONE)?.execute(expired)? == 0 {
            return Ok(Created::Occupied);
        }
        db.statement(INSERT)?.execute(values())?;
    }
    db.statement(FORGET)?.execute(params![at.namespace, key])?;
    Ok(Created::Created)
}

static UPDATE: &str = concat!(
    "UPDATE sessions SET (",
    columns!(),
    ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
     WHERE namespace = ?16 AND handle = ?17 AND revision = ?18 AND expires_at > ?19"
);
static DELETE_REVISION: &str = "DELETE FROM sessions \
     WHERE namespace = ?1 AND handle = ?2 AND revision = ?3 AND expires_at > ?4";
static IS_LIVE: &str =
    "SELECT 1 FROM sessions WHERE namespace = ?1 AND handle = ?2 AND expires_at > ?3";

/// Replaces a record of the expected revision; `None` ends the session instead.
pub(super) fn update(
    db: &mut Database<'_>,
    at: &At,
    columns: Option<&Columns>,
    expected: Revision,
    forget_at: Option<UnixMillis>,
) -> Result<Updated, Failure> {
    let (key, now) = (at.key.as_bytes(), millis(at.now));
    let expected = expected.as_u64().cast_signed();
    let changed = match columns {
        Some(columns) => {
            let own: [&dyn ToSql; 4] = [&at.namespace, key, &expected, &now];
            let values = params_from_iter(columns.values().into_iter().chain(own));
            db.statement(UPDATE)?.execute(values)?
        }
        None => {
            let values = params![at.namespace, key, expected, now];
            let changed = db.statement(DELETE_REVISION)?.execute(values)?;
            if changed > 0 {
                remember(db, at, Ended::Destroyed, forget_at)?;
            }
            changed
        }
    };
    if changed > 0 {
        return Ok(Updated::Updated);
    }
    let live = db.statement(IS_LIVE)?.exists(params![at.namespace, key, now])?;
    Ok(if live { Updated::Conflict } else { Updated::Gone })
}

static TOUCH: &str = "UPDATE sessions SET idle_deadline = ?1 \
     WHERE namespace = ?2 AND handle = ?3 AND expires_at > ?4";

pub(super) fn touch(db: &mut Database<'_>, at: &At, deadline: UnixMillis) -> Result<bool, Failure> {
    let values = params![millis(deadline), at.namespace, at.key.as_bytes(), millis(at.now)];
    Ok(db.statement(TOUCH)?.execute(values)? > 0)
}

static DELETE: &str =
    "DELETE FROM sessions WHERE namespace = ?1 AND handle = ?2 AND expires_at > ?3";

pub(super) fn delete(
    db: &mut Database<'_>,
    at: &At,
    why: Ended,
    forget_at: Option<UnixMillis>,
) -> Result<bool, Failure> {
    let values = params![at.namespace, at.key.as_bytes(), millis(at.now)];
    let deleted = db.statement(DELETE)?.execute(values)? > 0;
    if deleted {
        remember(db, at, why, forget_at)?;
    }
    Ok(deleted)
}

static DELETE_EXPIRED: &str = "DELETE FROM sessions WHERE id IN \
     (SELECT id FROM sessions WHERE namespace = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3) \
     RETURNING handle";

/// Removes up to `limit` expired sessions of a namespace, and forgets up to as many ends.
pub(super) fn delete_expired(
    db: &mut Database<'_>,
    namespace: &Arc<str>,
    limit: usize,
    now: UnixMillis,
) -> Result<usize, Failure> {
    let values = params![namespace, millis(now), limit as i64];
    let mut rows = db.statement(DELETE_EXPIRED)?.query(values)?;
    let mut removed = Vec::new();
    while let Some(row) = rows.next()? {
        removed.push((namespace.clone(), row::handle(row, 0)?));
    }
    drop(rows);
    forget(db, namespace, limit, now)?;
    let count = removed.len();
    db.ended.append(&mut removed);
    Ok(count)
}

static WHY: &str = "SELECT why FROM ended WHERE namespace = ?1 AND handle = ?2 AND forget_at > ?3";

fn why(db: &mut Database<'_>, at: &At) -> Result<Option<Ended>, Failure> {
    let values = params![at.namespace, at.key.as_bytes(), millis(at.now)];
    let why: Option<String> = db.statement(WHY)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(match why.as_deref() {
        Some("expired") => Some(Ended::Expired),
        Some("destroyed") => Some(Ended::Destroyed),
        Some("revoked") => Some(Ended::Revoked),
        Some("reused") => Some(Ended::Reused),
        _ => None,
    })
}

// A leftover, which only a foreign hand can have made, must not keep a session alive.
static REMEMBER: &str = "INSERT INTO ended (namespace, handle, why, forget_at) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

/// Tells those who wait that a session ended, and keeps why.
fn remember(
    db: &mut Database<'_>,
    at: &At,
    why: Ended,
    forget_at: Option<UnixMillis>,
) -> Result<(), Failure> {
    db.ended.push((at.namespace.clone(), at.key));
    let Some(forget_at) = forget_at else { return Ok(()) };
    let why = match why {
        Ended::Expired => "expired",
        Ended::Destroyed => "destroyed",
        Ended::Revoked => "revoked",
        Ended::Reused => "reused",
    };
    let values = params![at.namespace, at.key.as_bytes(), why, millis(forget_at)];
    db.statement(REMEMBER)?.execute(values)?;
    // Two for one, so that they stay few even if nobody ever sweeps.
    forget(db, &at.namespace, 2, at.now)
}

static FORGET_SOME: &str = "DELETE FROM ended WHERE (namespace, handle) IN \
     (SELECT namespace, handle FROM ended WHERE namespace = ?1 AND forget_at <= ?2 \
     ORDER BY forget_at LIMIT ?3)";

fn forget(
    db: &mut Database<'_>,
    namespace: &Arc<str>,
    limit: usize,
    now: UnixMillis,
) -> Result<(), Failure> {
    db.statement(FORGET_SOME)?.execute(params![namespace, millis(now), limit as i64])?;
    Ok(())
}
