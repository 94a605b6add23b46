//! How a MySQL store is put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::Opts;

use super::connection::Connections;
use super::names::Names;
use super::statements::Statements;
use super::{Inner, MysqlStore};
use crate::error::{Error, ErrorKind, Result};
use crate::store::sql::check_namespace;

/// Sixteen: more than a server of the usual size works on at once, and nine instances keep within the 151
/// connections that MariaDB and MySQL allow unless told otherwise.
const MAX_CONNECTIONS: usize = 16;
/// What a visitor waits for without leaving.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Long enough to tell a visitor who comes back the next morning.
const REMEMBER_ENDED: Duration = Duration::from_secs(24 * 60 * 60);

/// Settings of a [`MysqlStore`], each with a default.
///
/// # Examples
/// ```
/// use cloakroom::store::MysqlStore;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), cloakroom::Error> {
/// let store = MysqlStore::from_url("mysql://app:password@localhost/app")?
///     .with_table("visits")
///     .with_namespace("shop")
///     .with_timeout(Duration::from_millis(500))
///     .build()?; // nothing is connected before the first call
/// # let _ = store;
/// # Ok(()) }
/// ```
#[must_use = "a builder makes a store when it is built"]
pub struct MysqlStoreBuilder {
    opts: Opts,
    pub(super) table: String,
    pub(super) namespace: String,
    pub(super) max_connections: usize,
    pub(super) timeout: Duration,
    pub(super) remember_ended: Duration,
}

impl MysqlStore {
    /// A store that connects as `opts` say, encrypted if they have `ssl_opts`; set those for any server that is
    /// not on this machine. The options name the database.
    ///
    /// Connections are opened, kept and closed by the store: `pool_opts` count for nothing. What `init`, `setup`
    /// and `after_connect` set stays, except for `sql_mode`, `autocommit`, `innodb_lock_wait_timeout` and the
    /// character set, which the store sets after them. Statements are kept prepared, as many as
    /// `stmt_cache_size`; leave that at 32 or at least at 13.
    pub fn from_opts(opts: impl Into<Opts>) -> MysqlStoreBuilder {
        MysqlStoreBuilder {
            opts: opts.into(),
            table: "cloakroom_sessions".to_owned(),
            namespace: String::new(),
            max_connections: MAX_CONNECTIONS,
            timeout: TIMEOUT,
            remember_ended: REMEMBER_ENDED,
        }
    }
}

impl MysqlStoreBuilder {
    /// The table. Default: `cloakroom_sessions`.
    ///
    /// 1 to 40 lower-case letters, digits and `_`, not beginning with a digit.
    pub fn with_table(self, table: impl Into<String>) -> Self {
        Self { table: table.into(), ..self }
    }

    /// The namespace: sessions of one are not seen in another, in the same table. Default: the one without a
    /// name.
    ///
    /// Up to 64 letters, digits and `_.:-`.
    pub fn with_namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// How many connections are opened at most. Default: 16.
    pub fn with_max_connections(self, connections: usize) -> Self {
        Self { max_connections: connections, ..self }
    }

    /// How long a call may take in all: waiting for a connection, opening one, and its statements. Default: 2 s.
    ///
    /// The call then fails with [`ErrorKind::Unavailable`] and its connection is closed. The server is told to
    /// wait no longer for the lock of a row, in whole seconds, rounded up.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// For how long it is remembered why a session was ended. Default: one day.
    ///
    /// A row stays so long, with the handle, the reason and this moment in it. Zero: nothing is told, and the
    /// next sweep removes the row.
    pub fn with_remembered_ends(self, remember: Duration) -> Self {
        Self { remember_ended: remember, ..self }
    }

    /// The store. Connects to nothing: that is left to the first call.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`] for a name that cannot be one, for options without a database, for no
    /// connections, and for no time.
    pub fn build(self) -> Result<MysqlStore> {
        let names = Names::new(&self.table)?;
        check_namespace(&self.namespace)?;
        if self.opts.db_name().is_none_or(str::is_empty) {
            return Err(Error::new(
                ErrorKind::StoreUrl,
                "the options name no database; write `mysql://user:password@host/database`",
            ));
        }
        if self.max_connections == 0 || self.timeout.is_zero() {
            return Err(Error::new(
                ErrorKind::StoreUrl,
                "a store needs at least one connection and more than no time",
            ));
        }
        Ok(MysqlStore {
            inner: Arc::new(Inner {
                connections: Connections::new(self.opts, self.max_connections, self.timeout),
                statements: Statements::new(&names),
                names,
                remember_ended: self.remember_ended,
            }),
            namespace: self.namespace.into(),
        })
    }
}

/// Prints nothing of the server.
impl fmt::Debug for MysqlStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlStoreBuilder")
            .field("table", &self.table)
            .field("namespace", &self.namespace)
            .field("max_connections", &self.max_connections)
            .field("timeout", &self.timeout)
            .field("remember_ended", &self.remember_ended)
            .finish_non_exhaustive()
    }
}
