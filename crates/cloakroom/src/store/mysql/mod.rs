//! Sessions in MariaDB or MySQL.

mod builder;
mod call;
mod check;
mod connection;
mod directory;
mod failure;
mod lease;
mod migrations;
mod names;
mod row;
mod statements;
mod url;

use std::sync::Arc;
use std::time::Duration;

use mysql_async::Value;

pub use self::builder::MysqlStoreBuilder;
use self::connection::{Connections, Outcome};
use self::names::Names;
use self::row::{Found, at, bytes, revision};
use self::statements::Statements;
pub(super) use self::url::open;
use super::sql::{check_namespace, millis, reason};
use super::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::time::UnixMillis;

/// The most rows that one statement removes: a few milliseconds of row locks.
const BATCH: usize = 1000;

/// A store in MariaDB or MySQL, through mysql_async 0.37; tested with MariaDB 10.11 and MySQL 9.7.
///
/// For sessions that many machines share and that outlive all of them, where such a server runs already. It is
/// **not** for a read replica, since a load may renew, so that every call goes to the primary; not for a Galera
/// cluster whose nodes are written in turn, unless `wsrep_sync_wait` is set; and not for tables of an engine
/// other than InnoDB.
///
/// # Opening
/// - [`open`](Self::open) takes a URL; it refuses to talk without encryption to another machine unless the URL
///   says `sslmode=disable`, since it has no TLS of its own;
/// - [`from_opts`](Self::from_opts) takes `mysql_async::Opts`, with your TLS settings.
///
/// The driver's own `Pool` cannot be used: a connection whose call was given up goes back to it in the middle of
/// a command, and the next one on it may be given the answer to another session's.
///
/// The table is made by [`migrate`](Self::migrate), or by whoever runs the text of
/// [`migrations`](Self::migrations). At run time a user who may SELECT, INSERT, UPDATE and DELETE on that one
/// table is enough.
///
/// # Storage
/// One table, by default `cloakroom_sessions`, in the database of the URL; one row a session, a column a field.
/// Data in JSON is readable there, byte for byte as it was written. Keys and subjects are compared as bytes: no
/// collation has a part in it. `docs/stores.md` lists the columns.
///
/// # Round trips
/// A load that does not renew is one `SELECT`. One that renews is an `UPDATE` more, which by default is one in a
/// tenth of the session's lifetime. Every other call is one statement if it does what was asked; if it does
/// not, a second one tells why. Each connection prepares a statement at its first use of it.
///
/// # Durability
/// An acknowledged write is as durable as the server makes it. With `innodb_flush_log_at_trx_commit` other than 1
/// a crash of the machine can lose the last second, ends of sessions included.
///
/// # Expiry
/// An expired session is invisible at its deadline, to the millisecond of the backend's clock; the server's
/// clock and time zone have no part in it. Rows stay until [`delete_expired`](Store::delete_expired) removes
/// them: call it at intervals, from as many instances as you like. Why a session was ended is remembered for a
/// day in its row, of which all else is wiped.
///
/// # Cloning
/// Clones are the same store and share its connections.
///
/// # Cancellation
/// A call whose future is dropped has taken effect, will shortly, or never does: a task of the runtime sees its
/// statement through. The connection of a call that failed, or was not answered in time, is closed.
///
/// # Examples
/// ```no_run
/// use cloakroom::store::MysqlStore;
///
/// # async fn example() -> Result<(), cloakroom::Error> {
/// let store = MysqlStore::from_url("mysql://app:password@localhost/app")?.build()?;
/// store.migrate().await?; // or leave that to someone, and `MysqlStore::open`
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MysqlStore {
    inner: Arc<Inner>,
    namespace: Arc<str>,
}

struct Inner {
    connections: Connections,
    names: Names,
    statements: Statements,
    remember_ended: Duration,
}

impl MysqlStore {
    /// The sessions of this name in the same table, over the same connections.
    ///
    /// No session is in two namespaces. Names are compared whole and do not nest: this replaces the namespace
    /// that the store had.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`] for a name with anything but letters, digits and
    /// `_.:-`, or of more than 64 bytes.
    pub fn with_namespace(&self, name: &str) -> Result<Self> {
        check_namespace(name)?;
        Ok(Self { inner: self.inner.clone(), namespace: name.into() })
    }
}

fn named(error: Error) -> Error {
    error.with_store("mysql")
}

#[deny(clippy::missing_trait_methods)]
impl Store for MysqlStore {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn never_waits(&self) -> bool {
        false
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        None
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        const WHAT: &str = "load a session";
        let (deadline, sql) = (self.inner.connections.deadline(), &self.inner.statements.renew);
        loop {
            let record = match self.find(WHAT, key, deadline).await? {
                None => return Ok(Lookup::Absent(None)),
                Some(Found::Ended(why, until)) => {
                    return Ok(Lookup::Absent(why.filter(|_| now < until)));
                }
                Some(Found::Record(record)) if record.is_expired(now) => {
                    return Ok(Lookup::Absent(Some(Ended::Expired)));
                }
                Some(Found::Record(record)) => record,
            };
            let Some(idle_deadline) = renewal.and_then(|renewal| renewal.due(&record, now)) else {
                return Ok(Lookup::Live(record));
            };
            let seen = [at(now), revision(record.revision()), at(record.idle_deadline())];
            let renewed = record.with_idle_deadline(idle_deadline);
            let mut values = vec![at(idle_deadline), at(renewed.expires_at())];
            values.extend(self.key(key));
            values.extend(seen);
            if self.run(WHAT, sql, values, deadline).await?.affected > 0 {
                return Ok(Lookup::Live(renewed));
            }
            // Another writer came first. What it left is read, in a moment later than that of the first look.
        }
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        const WHAT: &str = "create a session";
        let deadline = self.inner.connections.deadline();
        let columns = row::columns(&record).map_err(named)?;
        let mut insert: Vec<Value> = self.key(key).into();
        insert.extend(columns.iter().cloned());
        let mut replace = columns;
        replace.extend(self.key(key));
        replace.push(at(now));
        loop {
            let sql = &self.inner.statements.insert;
            let connections = &self.inner.connections;
            let outcome = connections.try_run(WHAT, sql, insert.clone(), deadline).await;
            if let Outcome::Done(_) = outcome.map_err(named)? {
                return Ok(Created::Created);
            }
            // The key has a row, which may be that of a session that is no more.
            let sql = &self.inner.statements.replace;
            if self.run(WHAT, sql, replace.clone(), deadline).await?.affected > 0 {
                return Ok(Created::Created);
            }
            match self.find(WHAT, key, deadline).await {
                Ok(Some(Found::Record(found))) if !found.is_expired(now) => {
                    return Ok(Created::Occupied);
                }
                // It was dead, and is what it should become.
                Ok(Some(Found::Record(found))) if found.to_bytes() == record.to_bytes() => {
                    return Ok(Created::Created);
                }
                // A row that cannot be read holds its key.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    return Ok(Created::Occupied);
                }
                found => drop(found?),
            }
        }
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        const WHAT: &str = "update a session";
        let deadline = self.inner.connections.deadline();
        let (sql, mut values) = if record.is_expired(now) {
            let why = bytes(reason(Ended::Destroyed).as_bytes());
            (&self.inner.statements.end, vec![why, self.forget_at(now)])
        } else {
            (&self.inner.statements.update, row::columns(&record).map_err(named)?)
        };
        values.extend(self.key(key));
        values.extend([at(now), revision(expected)]);
        loop {
            if self.run(WHAT, sql, values.clone(), deadline).await?.affected > 0 {
                return Ok(Updated::Updated);
            }
            match self.find_live(WHAT, key, now, deadline).await? {
                None => return Ok(Updated::Gone),
                Some(found) if found.revision() != expected => return Ok(Updated::Conflict),
                // It is what it should become.
                Some(found) if found.to_bytes() == record.to_bytes() => {
                    return Ok(Updated::Updated);
                }
                // Another writer has made it so since.
                Some(_) => {}
            }
        }
    }

    async fn touch(
        &self,
        key: SessionHandle,
        idle_deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        const WHAT: &str = "renew a session";
        let (deadline, sql) = (self.inner.connections.deadline(), &self.inner.statements.touch);
        let mut values = vec![at(idle_deadline); 3];
        values.extend(self.key(key));
        values.push(at(now));
        loop {
            if self.run(WHAT, sql, values.clone(), deadline).await?.affected > 0 {
                return Ok(true);
            }
            match self.find_live(WHAT, key, now, deadline).await? {
                None => return Ok(false),
                Some(found) if found.idle_deadline() == idle_deadline => return Ok(true),
                Some(_) => {}
            }
        }
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        let (deadline, sql) = (self.inner.connections.deadline(), &self.inner.statements.delete);
        let mut values = vec![bytes(reason(why).as_bytes()), self.forget_at(now)];
        values.extend(self.key(key));
        values.push(at(now));
        Ok(self.run("end a session", sql, values, deadline).await?.affected > 0)
    }

    /// Also removes the rows of ended sessions that need not be remembered any more, and counts them. Works in
    /// batches of 1000 rows, a statement each.
    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        let sql = &self.inner.statements.delete_expired;
        let mut removed = 0;
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let values = vec![
                bytes(self.namespace.as_bytes()),
                Value::Int(millis(now) / 60_000),
                at(now),
                Value::UInt(batch as u64),
            ];
            let deadline = self.inner.connections.deadline();
            let answer = self.run("remove expired sessions", sql, values, deadline).await?;
            // At most `batch`.
            let count = usize::try_from(answer.affected).unwrap_or(batch);
            removed += count;
            if count < batch {
                break;
            }
        }
        Ok(removed)
    }

    /// Never resolves: the server tells nobody. Whoever waits looks again at intervals.
    async fn ended(&self, _key: SessionHandle) {
        std::future::pending().await
    }
}
