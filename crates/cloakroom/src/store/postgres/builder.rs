//! How a PostgreSQL store is put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, Socket};

use super::connection::Connections;
use super::names::Names;
use super::statements::Statements;
use super::watch::{Opener, Watch, channel};
use super::{Inner, PostgresStore};
use crate::error::{Error, ErrorKind, Result};
use crate::store::sql::check_namespace;

/// Sixteen: more than a server of the usual size works on at once, and six instances keep within the hundred
/// connections that PostgreSQL allows unless told otherwise.
const MAX_CONNECTIONS: usize = 16;
/// What a visitor waits for without leaving.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);
/// Long enough to tell a visitor who comes back the next morning.
const REMEMBER_ENDED: Duration = Duration::from_secs(24 * 60 * 60);

/// Settings of a [`PostgresStore`], each with a default.
///
/// # Examples
/// ```
/// use cloakroom::store::PostgresStore;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cloakroom::Error> {
/// let store = PostgresStore::from_url("postgres://app:password@localhost/app")?
///     .with_schema("web")
///     .with_namespace("shop")
///     .with_timeout(Duration::from_millis(500))
///     .build()?; // nothing is connected before the first call
/// # let _ = store;
/// # Ok(()) }
/// ```
#[must_use = "a builder makes a store when it is built"]
pub struct PostgresStoreBuilder {
    source: Source,
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) namespace: String,
    pub(super) max_connections: usize,
    pub(super) timeout: Duration,
    pub(super) remember_ended: Duration,
    pub(super) prepared: bool,
    pub(super) notifications: bool,
}

enum Source {
    Pool(Pool),
    Connections(Box<Manager>, Opener),
}

impl PostgresStore {
    /// A store that connects as `config` says, encrypted by the connector that is passed, such as
    /// `tokio_postgres_rustls::MakeRustlsConnect`; `tokio_postgres::NoTls` for none.
    ///
    /// `config.ssl_mode` decides whether the connector must be used: `SslMode::Require` for any server that is
    /// not on this machine. Set keepalives and `tcp_user_timeout` there as well.
    pub fn from_config<T>(config: Config, tls: T) -> PostgresStoreBuilder
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        // Whether a connection is alive is seen without a round trip, or by the next statement.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let opener = Opener::new(config.clone(), tls.clone());
        let manager = Manager::from_config(config, tls, recycling);
        PostgresStoreBuilder::new(Source::Connections(Box::new(manager), opener))
    }

    /// A store on connections of the application's own pool.
    ///
    /// Leave its recycling method at `Fast`: any other costs a round trip a call. The pool decides how many
    /// connections there are and how they are opened; a connection whose call failed is taken out of it.
    pub fn from_pool(pool: Pool) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(Source::Pool(pool))
    }
}

impl PostgresStoreBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            schema: "public".to_owned(),
            table: "cloakroom_sessions".to_owned(),
            namespace: String::new(),
            max_connections: MAX_CONNECTIONS,
            timeout: TIMEOUT,
            remember_ended: REMEMBER_ENDED,
            prepared: false,
            notifications: false,
        }
    }

    /// The schema of the table. Default: `public`.
    ///
    /// 1 to 40 lower-case letters, digits and `_`, not beginning with a digit.
    pub fn with_schema(self, schema: impl Into<String>) -> Self {
        Self { schema: schema.into(), ..self }
    }

    /// The table. Default: `cloakroom_sessions`. Named like a [`with_schema`](Self::with_schema).
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

    /// How many connections are opened at most. Default: 16, on which 64 loads and 128 writes are on their way at a time.
    /// A pool of the application's own has its own number.
    pub fn with_max_connections(self, connections: usize) -> Self {
        Self { max_connections: connections, ..self }
    }

    /// How long a call may take in all: waiting for a connection, opening one, and the statement. Default: 2 s.
    ///
    /// The call then fails with [`ErrorKind::Unavailable`] and its connection is closed.
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

    /// Whether statements are kept prepared on each connection. Default: no.
    ///
    /// Prepared, a load costs the server a fraction of the work, since nothing is parsed and planned anew; turn
    /// it on where the store speaks to PostgreSQL itself. Leave it off behind PgBouncer in transaction mode
    /// before version 1.21, or without its `max_prepared_statements`: there a statement could be found
    /// missing, or be somebody else's.
    pub fn with_prepared_statements(self, prepared: bool) -> Self {
        Self { prepared, ..self }
    }

    /// Whether instances tell each other, through `NOTIFY`, that a session was ended. Default: no.
    ///
    /// On, [`Session::ended`](crate::Session::ended) resolves at once, where it otherwise looks once a second.
    /// It costs each instance one connection more, opened when someone first waits, and the server a lock for
    /// the moment in which a delete commits. Turn it on in all instances. A store on the application's own pool
    /// tells the others, but cannot listen; nor can one behind PgBouncer in transaction mode.
    pub fn with_notifications(self, notifications: bool) -> Self {
        Self { notifications, ..self }
    }

    /// The store. Connects to nothing: that is left to the first call.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`] for a name that cannot be one, for no connections, and for no time.
    pub fn build(self) -> Result<PostgresStore> {
        let names = Names::new(&self.schema, &self.table)?;
        check_namespace(&self.namespace)?;
        if self.max_connections == 0 || self.timeout.is_zero() {
            return Err(Error::new(
                ErrorKind::StoreUrl,
                "a store needs at least one connection and more than no time",
            ));
        }
        let (pool, opener) = match self.source {
            Source::Pool(pool) => (pool, None),
            Source::Connections(manager, opener) => {
                let pool = Pool::builder(*manager).max_size(self.max_connections).build();
                let pool = pool.expect("a pool without timeouts of its own needs no runtime");
                (pool, Some(opener))
            }
        };
        let channel = self.notifications.then(|| channel(&names));
        let opener = opener.filter(|_| self.notifications);
        Ok(PostgresStore {
            inner: Arc::new(Inner {
                connections: Connections::new(pool, self.timeout, self.prepared),
                statements: Statements::new(&names, channel.as_deref()),
                watch: opener.map(|opener| Watch::new(opener, &names)),
                names,
                remember_ended: self.remember_ended,
            }),
            namespace: self.namespace.into(),
        })
    }
}

/// Prints nothing of the server.
impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("table", &self.table)
            .field("namespace", &self.namespace)
            .field("max_connections", &self.max_connections)
            .field("timeout", &self.timeout)
            .field("remember_ended", &self.remember_ended)
            .field("prepared", &self.prepared)
            .field("notifications", &self.notifications)
            .finish_non_exhaustive()
    }
}
