//! How the store in Redis is set up.

use std::time::Duration;

use super::keys::Keys;
use super::{RedisStore, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::store::AnyStore;
use crate::store::open::StoreUrl;
use crate::store::redis::{RedisStoreBuilder as Connecting, from_parts};

/// Litestar's own default.
const MAX_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Longer than the default lifetime, so that what is written back late is known to have ended.
const REMEMBER: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Settings of a [`RedisStore`], before there is one.
///
/// # Examples
/// ```
/// use cloakroom::store::litestar::RedisStoreBuilder;
///
/// let store = RedisStoreBuilder::from_url("redis://127.0.0.1:6379/0")?
///     .with_root_namespace("myapp") // `RedisStore(redis, namespace="myapp")`
///     .build()?;
/// # Ok::<(), cloakroom::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RedisStoreBuilder {
    connecting: Connecting,
    keys: Keys,
    settings: Settings,
}

impl RedisStoreBuilder {
    /// Settings for the server of a URL, as [`cloakroom::RedisStore`](crate::RedisStore) takes it. Not for a Cluster: Litestar's
    /// own store does not reach one.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`] if it cannot be read, or would send everything over a network in the clear.
    pub fn from_url(url: &str) -> Result<Self> {
        Connecting::from_url(url).map(Self::new)
    }

    /// Settings for the server of the application's own client (of the crate `redis`, version 1).
    pub fn from_client(client: &redis::Client) -> Self {
        Self::new(Connecting::from_client(client))
    }

    fn new(connecting: Connecting) -> Self {
        let settings = Settings { max_age: MAX_AGE, remember: REMEMBER };
        Self { connecting, keys: Keys::new(Some("LITESTAR")), settings }
    }

    /// Sets the `namespace` of Litestar's `RedisStore`. Default: `LITESTAR`, as there. `None` puts sessions under
    /// their bare IDs; then any client of the Litestar application can reach any key of the database, also
    /// other programs', so prefer a name.
    pub fn with_root_namespace<'n>(mut self, namespace: impl Into<Option<&'n str>>) -> Self {
        self.keys = Keys::new(namespace.into());
        self
    }

    /// Sets the lifetime of sessions that Litestar made: its `max_age`, and that of the configuration here.
    /// Default: 14 days.
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.settings.max_age = max_age;
        self
    }

    /// Sets for how long it is remembered that an ID has ended, and how much longer than a session what we know
    /// of it is kept. Default: 30 days; at most a year.
    ///
    /// At least the `max_age`: for as long, a Litestar request could bring a session back.
    pub fn with_remembered_ends(mut self, remember: Duration) -> Self {
        self.settings.remember = remember.clamp(Duration::from_secs(1), YEAR);
        self
    }

    /// Sets how long a call may wait for its answer, connecting included. Default: 2 s.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.connecting = self.connecting.with_timeout(timeout);
        self
    }

    /// Makes the store without asking the server.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`] for a Cluster, and for TLS without a crypto provider.
    pub fn build(self) -> Result<RedisStore> {
        if self.connecting.asks_replicas() {
            return Err(Error::new(
                ErrorKind::StoreUrl,
                "what Litestar writes no replica confirms; leave out `replicas`",
            ));
        }
        let server = self.connecting.build()?.into_server();
        if !server.has_one_slot() {
            return Err(Error::new(
                ErrorKind::StoreUrl,
                "Litestar's sessions are on one server; a Cluster cannot be shared with it",
            ));
        }
        Ok(RedisStore::new(server, self.keys, self.settings))
    }
}

/// Opens the store that a URL names: `litestar+redis://host:port/db?namespace=LITESTAR&max_age=14d`.
pub(in crate::store) async fn open(mut url: StoreUrl) -> Result<AnyStore> {
    let namespace = url.option("namespace");
    let max_age = match url.option("max_age").map(|text| humantime::parse_duration(&text)) {
        None => None,
        Some(Ok(max_age)) => Some(max_age),
        Some(Err(_)) => return Err(url.refused("has a `max_age` that is none, such as `14d`")),
    };
    url.scheme = url.scheme.trim_start_matches("litestar+").to_owned();
    let connecting = from_parts(url)?;
    let mut builder = RedisStoreBuilder::new(connecting);
    if let Some(name) = namespace {
        builder = builder.with_root_namespace(name.as_str());
    }
    if let Some(max_age) = max_age {
        builder = builder.with_max_age(max_age);
    }
    let store = builder.build()?;
    store.ping().await?;
    Ok(AnyStore::new(store))
}
