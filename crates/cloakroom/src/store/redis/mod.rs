//! Sessions in Redis or Valkey.

mod batch;
mod builder;
pub(in crate::store) mod call;
mod check;
mod cluster;
mod directory;
pub(in crate::store) mod failure;
mod keys;
mod link;
mod replicas;
pub(in crate::store) mod scan;
pub(in crate::store) mod scripts;
pub(in crate::store) mod server;
mod slots;
mod steps;
mod target;
mod url;
mod value;

use std::fmt;
use std::time::Duration;

pub use self::builder::RedisStoreBuilder;
#[cfg(feature = "litestar")]
pub(super) use self::url::from_parts;
pub(super) use self::url::open;

use self::call::Call;
use self::keys::Keys;
use self::server::Server;
use crate::error::Result;
use crate::id::SessionHandle;

/// What errors and events call this store.
const NAME: &str = "redis";

/// A store in Redis (6.2 or later) or Valkey, for sessions that several processes share.
///
/// It is **not** good for sessions that must never be lost: Redis acknowledges a write before it is on disk or
/// on a replica, unless it is told otherwise. And each list of all sessions walks over all keys of the database.
///
/// # URLs
/// - `redis://[user[:password]@]host[:port][/database]`, `redis+unix:///path/to/socket`: one server.
/// - `redis+cluster://[user[:password]@]host[:port][,host[:port]]…`: a Cluster, of which some servers are named.
/// - `redis+sentinel://[user[:password]@]host[:port][,host[:port]]…/name[/database]`: the master that sentinels
///   call `name`, whichever it is now.
///
/// `rediss…` is the same with TLS (feature `redis-tls`; certificates and names are checked against the system's
/// roots), `valkey…` and `valkeys…` are other spellings. Options: `?namespace=NAME`, `?timeout=2s`,
/// `?replicas=1` and `?replicas_timeout=500ms` ([`RedisStoreBuilder::with_replicas`]), `?sentinel_user=…`, `?sentinel_password=…`, and `?insecure_plaintext=true`, without which a server on another
/// machine is reached by TLS only.
///
/// # Storage
/// One string a session, `cloakroom[/namespace]:s:{handle}`, and a sorted set of handles for each subject,
/// `cloakroom[/namespace]:u:{hash of the subject}`. Every key has a time to live. The bytes are described in
/// `docs/stores.md`. Each call is one command: `GET`, or one script.
///
/// # Expiry
/// A session is dead at its deadline, to the millisecond of the application's clock. The server frees it one
/// hour later ([`RedisStoreBuilder::with_slack`]), so [`delete_expired`](crate::Store::delete_expired) has
/// nothing to do.
///
/// # Failures
/// A call that has no answer in time, or whose connection ends, is [`ErrorKind::Unavailable`]; it may have taken
/// effect. Nothing is sent twice. The next call connects anew.
///
/// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
///
/// # Cloning
/// Clones share one connection, and one more for writes if replicas have to confirm them.
///
/// # Examples
/// ```no_run
/// use cloakroom::RedisStore;
///
/// # async fn f() -> Result<(), cloakroom::Error> {
/// let store = RedisStore::connect("redis://127.0.0.1:6379/0").await?;
/// let admin = store.with_namespace("admin"); // other keys, same connection
/// # let _ = admin;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    server: Server,
    /// The same servers, for writes that replicas are to confirm; otherwise the same connection too.
    writes: Server,
    keys: Keys,
    settings: Settings,
    /// Whether replicas have to confirm writes.
    confirms: bool,
}

/// What a builder sets beside the server.
#[derive(Debug, Clone, Copy)]
struct Settings {
    slack: Duration,
    remember: Duration,
}

impl RedisStore {
    /// Opens the store of a URL with default settings, and asks the server whether it is there.
    ///
    /// [`RedisStoreBuilder`] has the settings, and opens stores that may be down at first.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) if the URL cannot be read or would send everything over a network in the clear,
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the server cannot be reached.
    pub async fn connect(url: &str) -> Result<Self> {
        RedisStoreBuilder::from_url(url)?.connect().await
    }

    /// The store of this name on the same connection: no session is in both, whatever its handle.
    ///
    /// Namespaces nest, and names are compared whole: `ab` in `c` is not `a` in `bc`. Any text is a name, and a
    /// short one costs least, since it is a part of each key.
    #[must_use]
    pub fn with_namespace(&self, name: &str) -> Self {
        Self { keys: self.keys.in_namespace(name), ..self.clone() }
    }

    /// The way to its server, for a store of another layout.
    #[cfg(feature = "litestar")]
    pub(super) fn into_server(self) -> Server {
        self.server
    }

    /// Asks the server whether it is there and takes commands.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if not.
    pub async fn ping(&self) -> Result<()> {
        let call = Call::new("GET", &self.keys.session(SessionHandle::from_bytes([0; 16])));
        let answer = self.server.call(call).await;
        answer.map(drop).map_err(|failure| failure.into_error("reach the server"))
    }
}

/// Prints no address.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("keys", &self.keys)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
