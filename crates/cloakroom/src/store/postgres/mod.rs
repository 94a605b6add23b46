//! Sessions in PostgreSQL.

mod builder;
mod call;
mod connection;
mod directory;
mod failure;
mod migrations;
mod names;
mod row;
mod sharing;
mod statements;
mod url;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::types::Type;

pub use self::builder::PostgresStoreBuilder;
use self::call::step;
use self::connection::{Connections, With};
use self::names::Names;
use self::row::{Columns, Found, Parameter};
use self::statements::Statements;
pub(super) use self::url::open;
use self::watch::Watch;
use super::sql::{check_namespace, millis, reason};
use super::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::time::UnixMillis;

/// Where a session is renewed again within this, in milliseconds, loads are likely to write.
const OFTEN: i64 = 1000;

/// The most rows that one statement removes: a few milliseconds of row locks.
const BATCH: usize = 1000;

/// A store in PostgreSQL, 12 or newer, through tokio-postgres 0.7 and deadpool-postgres 0.14.
///
/// For sessions that many machines share and that outlive all of them, where PostgreSQL runs already: nothing
/// more to operate, to back up or to watch. It is **not** for sites that want more than some ten thousand
/// session reads a second from one server, and not for a read replica: a load may renew, so every call goes to
/// the primary.
///
/// # Opening
/// - [`open`](Self::open) takes a URL; it refuses to talk without encryption to another machine unless the URL
///   says `sslmode=disable`, since it has no TLS of its own;
/// - [`from_config`](Self::from_config) takes a `tokio_postgres::Config` and your TLS connector;
/// - [`from_pool`](Self::from_pool) takes your own `deadpool_postgres::Pool`.
///
/// The table is made by [`migrate`](Self::migrate), or by whoever runs the text of
/// [`migrations`](Self::migrations). At run time a role that may SELECT, INSERT, UPDATE and DELETE on that one
/// table is enough.
///
/// # Storage
/// One table, by default `public.cloakroom_sessions`, one row a session, a column a field; data in JSON is
/// readable there, byte for byte as it was written. `docs/stores.md` lists the columns. The database must have
/// the encoding UTF8.
///
/// # Round trips
/// Each call of [`Store`] is one statement in one round trip, a load that renews included; a load that does not
/// renew writes nothing. A call is repeated only if another writer changed the row in the same moment. No
/// statement is prepared, so PgBouncer may stand between, in transaction mode; where nothing does,
/// [prepare them](PostgresStoreBuilder::with_prepared_statements).
///
/// # Connections
/// Calls share connections: the next statement is sent before the one ahead of it is answered. Loads share a quarter of
/// all connections, writes half of them, up to 16 calls on each; lists and sweeps have one of their own. A connection
/// that nobody uses is back in the pool, and whoever waits for the pool gets one.
///
/// # Durability
/// An acknowledged write is as durable as the server makes it. With `synchronous_commit = off` a crash can lose
/// the last moments, ends of sessions included.
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
/// A call whose future is dropped has taken effect, will shortly, or never does; it keeps its place on its connection
/// until the server has answered. A connection on which a call failed, or was not answered in time, takes no more calls
/// and is closed.
///
/// # Examples
/// ```no_run
/// use cloakroom::store::PostgresStore;
///
/// # async fn example() -> Result<(), cloakroom::Error> {
/// let store = PostgresStore::from_url("postgres://app:password@localhost/app")?.build()?;
/// store.migrate().await?; // or leave that to someone, and `PostgresStore::open`
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
    namespace: Arc<str>,
}

struct Inner {
    connections: Connections,
    names: Names,
    statements: Statements,
    remember_ended: Duration,
    /// If ends are told, and there is a connection to hear of them.
    watch: Option<Watch>,
}

impl PostgresStore {
    /// The sessions of this name in the same table, over the same connections.
    ///
    /// No session is in two namespaces. Names are compared whole and do not nest: this replaces the namespace
    /// that the store had.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`] for a name with anything but letters, digits and `_.:-`, or of more than 64
    /// bytes.
    pub fn with_namespace(&self, name: &str) -> Result<Self> {
        check_namespace(name)?;
        Ok(Self { inner: self.inner.clone(), namespace: name.into() })
    }

    /// Whether the server can be reached and has the table of this version.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if not; [`ErrorKind::Unsupported`] if the database has another encoding than
    /// UTF8.
    pub async fn check(&self) -> Result<()> {
        let deadline = self.inner.connections.deadline();
        let sql = &self.inner.statements.check;
        let connections = &self.inner.connections;
        let rows = connections.query(With::Nobody, "read its table", sql, &[], deadline).await;
        let rows = rows.map_err(named)?;
        match rows.first().and_then(|row| row.try_get::<_, &str>(0).ok()) {
            Some("UTF8") => Ok(()),
            _ => Err(named(Error::new(
                ErrorKind::Unsupported,
                "the database has another encoding than UTF8; create one with it for the sessions",
            ))),
        }
    }
}

fn named(error: Error) -> Error {
    error.with_store("postgres")
}

/// Prints the table and the namespace, and nothing of the server.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("table", &self.inner.names.table())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for PostgresStore {
    fn name(&self) -> &'static str {
        "postgres"
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
        let deadline = self.inner.connections.deadline();
        let statements = &self.inner.statements;
        let (moment, hash, step) =
            (millis(now), renewal.map(Renewal::secret_hash), renewal.and_then(step));
        let hash = hash.as_ref().map(|hash| &hash.as_bytes()[..]);
        let with = if step.is_some_and(|step| step < OFTEN) { With::Writes } else { With::Reads };
        loop {
            let rows = if renewal.is_some() {
                let parameters: [Parameter<'_>; 3] =
                    [(&moment, Type::INT8), (&hash, Type::BYTEA), (&step, Type::INT8)];
                self.ask(with, WHAT, &statements.renew, key, &parameters, deadline).await?
            } else {
                self.ask(with, WHAT, &statements.load, key, &[], deadline).await?
            };
            let Some(row) = rows.first() else { return Ok(Lookup::Absent(None)) };
            // It was due when the statement began, and another writer came first.
            if row.try_get(19).unwrap_or(false) {
                if deadline.is_over() {
                    return Err(named(self.inner.connections.out_of_time(WHAT)));
                }
                continue;
            }
            return Ok(match row::read(row).map_err(named)? {
                Found::Record(record) if record.is_expired(now) => {
                    Lookup::Absent(Some(Ended::Expired))
                }
                Found::Record(record) => Lookup::Live(record),
                Found::Ended(why, until) => Lookup::Absent(why.filter(|_| now < until)),
            });
        }
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        const WHAT: &str = "create a session";
        let (columns, moment) = (Columns::of(&record).map_err(named)?, millis(now));
        let mut parameters: Vec<Parameter<'_>> = vec![(&moment, Type::INT8)];
        parameters.extend(columns.parameters());
        let Statements { add, replace, .. } = &self.inner.statements;
        let deadline = self.inner.connections.deadline();
        while !deadline.is_over() {
            // A handle that has a row may be that of a session that is no more.
            if self.changes(WHAT, add, key, &parameters, deadline).await?
                || self.changes(WHAT, replace, key, &parameters, deadline).await?
            {
                return Ok(Created::Created);
            }
            if self.revision(WHAT, key, moment, deadline).await?.is_some() {
                return Ok(Created::Occupied);
            }
        }
        Err(self.out_of_time(WHAT))
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        const WHAT: &str = "update a session";
        let (expected, moment) = (row::revision(expected), millis(now));
        let (why, until) = (reason(Ended::Destroyed), self.forget_at(now));
        let columns;
        let mut parameters: Vec<Parameter<'_>> = vec![(&moment, Type::INT8)];
        let sql = if record.is_expired(now) {
            parameters.extend([(&why, Type::TEXT), (&until, Type::INT8)] as [Parameter<'_>; 2]);
            &self.inner.statements.end
        } else {
            columns = Columns::of(&record).map_err(named)?;
            parameters.extend(columns.parameters());
            &self.inner.statements.update
        };
        parameters.push((&expected, Type::INT8));
        let deadline = self.inner.connections.deadline();
        while !deadline.is_over() {
            if self.changes(WHAT, sql, key, &parameters, deadline).await? {
                return Ok(Updated::Updated);
            }
            match self.revision(WHAT, key, moment, deadline).await? {
                None => return Ok(Updated::Gone),
                Some(found) if found != expected => return Ok(Updated::Conflict),
                // It became so since the statement began.
                Some(_) => {}
            }
        }
        Err(self.out_of_time(WHAT))
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        let (moment, to) = (millis(now), millis(deadline));
        let parameters: [Parameter<'_>; 2] = [(&moment, Type::INT8), (&to, Type::INT8)];
        let (sql, until) = (&self.inner.statements.touch, self.inner.connections.deadline());
        self.changes("renew a session", sql, key, &parameters, until).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        let (moment, why, until) = (millis(now), reason(why), self.forget_at(now));
        let parameters: [Parameter<'_>; 3] =
            [(&moment, Type::INT8), (&why, Type::TEXT), (&until, Type::INT8)];
        let (sql, deadline) = (&self.inner.statements.delete, self.inner.connections.deadline());
        self.changes("end a session", sql, key, &parameters, deadline).await
    }

    /// Also removes the rows of ended sessions that need not be remembered any more, and counts them. Works in
    /// batches of 1000 rows, a statement each, and leaves out rows that others hold at the moment.
    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        let (namespace, moment) = (&*self.namespace, millis(now));
        let mut removed = 0;
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let bound = batch as i64;
            let parameters: [Parameter<'_>; 3] =
                [(&namespace, Type::TEXT), (&moment, Type::INT8), (&bound, Type::INT8)];
            let connections = &self.inner.connections;
            let sql = &self.inner.statements.delete_expired;
            let rows = connections
                .query(
                    With::Nobody,
                    "remove expired sessions",
                    sql,
                    &parameters,
                    connections.deadline(),
                )
                .await
                .map_err(named)?;
            removed += rows.len();
            if rows.len() < batch {
                break;
            }
        }
        Ok(removed)
    }

    /// Resolves when any instance has ended the session, if
    /// [notifications](PostgresStoreBuilder::with_notifications) are on; else never, and whoever waits looks
    /// again at intervals.
    async fn ended(&self, key: SessionHandle) {
        match &self.inner.watch {
            Some(watch) => watch.ended(&self.namespace, key).await,
            None => std::future::pending().await,
        }
    }
}
