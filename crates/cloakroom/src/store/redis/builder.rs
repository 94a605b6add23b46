//! How a store is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Client;

use super::cluster::Cluster;
use super::keys::Keys;
use super::link::Link;
use super::replicas::{Replicas, Terms};
use super::server::Server;
use super::target::Target;
use super::{RedisStore, Settings, url};
use crate::error::Result;
#[cfg(feature = "redis-tls")]
use crate::error::{Error, ErrorKind};

/// How long an answer may take, unless set.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that an expired session or the reason of an end is kept.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long the server keeps an expired session, unless set.
const SLACK: Duration = Duration::from_secs(60 * 60);
/// How long the reason of an end is kept, unless set.
const REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);

/// Settings of a [`RedisStore`], before there is one.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use cloakroom::RedisStoreBuilder;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cloakroom::Error> {
/// let store = RedisStoreBuilder::from_url("redis://127.0.0.1:6379/0")?
///     .with_timeout(Duration::from_millis(500))
///     .with_namespace("shop")
///     .build()?; // connects at its first use
/// # let _ = store;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisStoreBuilder {
    target: url::Target,
    keys: Keys,
    timeout: Duration,
    replicas: Option<Replicas>,
    settings: Settings,
}

impl RedisStoreBuilder {
    /// Settings for the server of a URL; see [`RedisStore`] for what it can say.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) if it cannot be read, or would send everything over a network in the clear.
    pub fn from_url(url: &str) -> Result<Self> {
        url::parse(url)
    }

    /// Settings for the server of the application's own client (of the crate `redis`, version 1), so that addresses, credentials and TLS are as
    /// the application has them.
    ///
    /// The store opens one connection of its own from it, with `TCP_NODELAY` and RESP3. Whether the way to the
    /// server is encrypted is up to the client.
    pub fn from_client(client: &Client) -> Self {
        Self::new(url::Target::Single(client.get_connection_info().clone()))
    }

    pub(super) fn new(target: url::Target) -> Self {
        Self {
            target,
            keys: Keys::new(),
            timeout: TIMEOUT,
            replicas: None,
            settings: Settings { slack: SLACK, remember: REMEMBER },
        }
    }

    /// Sets how long a call may wait for its answer, connecting included. Default: 2 s, as long as a visitor
    /// waits gladly; a server that is well answers in a millisecond.
    ///
    /// A call that ends so may have taken effect. The store then connects anew.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Sets how much longer than a session lives the server keeps it. Default: 1 hour; at least 1 minute,
    /// at most a year.
    ///
    /// Within it, an expired session is told apart from one that never was. It also allows for clocks: the
    /// server counts the time to live by its own, while each deadline is decided by the application's.
    pub fn with_slack(mut self, slack: Duration) -> Self {
        self.settings.slack = slack.clamp(Duration::from_secs(60), YEAR);
        self
    }

    /// Sets for how long it is remembered why a session ended. Default: 1 day; zero for not at all, at
    /// most a year.
    ///
    /// It costs about 100 bytes for each session that ended within it. Where [replicas](Self::with_replicas) confirm an
    /// end, that there was one is known for a minute at least, so that it can be repeated.
    pub fn with_remembered_ends(mut self, remember: Duration) -> Self {
        self.settings.remember = remember.min(YEAR);
        self
    }

    /// Has every write that the store acknowledges confirmed by `count` replicas, within a time that is at most half of the
    /// [timeout](Self::with_timeout). Default: by none, since it costs a round trip to the replicas.
    ///
    /// A failover then undoes no sign-out and no revocation that was acknowledged, if the replica that takes over is
    /// one of those who confirmed it. That is certain where all replicas are asked for; with fewer, one that is far behind
    /// may be chosen. On a Cluster it is the number for each master.
    ///
    /// `WAIT` is sent behind the writes that leave together, on a connection of their own, so that no read waits for a replica. A
    /// write that too few confirm is [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable), and cannot be taken back: the server has it. The
    /// backend then finds a change stored and goes on with it; an end is answered with 503, and its cookie goes all
    /// the same. To repeat the end asks them again, [`Sessions::revoke_all`](crate::Sessions::revoke_all) as well. To
    /// refuse writes while replicas are missing, set `min-replicas-to-write` on the server as well.
    /// Renewals are not waited for: to lose one shortens a session.
    pub fn with_replicas(mut self, count: u32, within: Duration) -> Self {
        self.replicas = Replicas::new(count, within);
        self
    }

    /// Puts the store into a namespace, as [`RedisStore::with_namespace`] does.
    pub fn with_namespace(mut self, name: &str) -> Self {
        self.keys = self.keys.in_namespace(name);
        self
    }

    /// Whether replicas have to confirm writes.
    #[cfg(feature = "litestar")]
    pub(in crate::store) fn asks_replicas(&self) -> bool {
        self.replicas.is_some()
    }

    /// Makes the store without asking the server, so that an application can start while it is down.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) if the way is TLS and the application has installed
    /// no crypto provider of rustls.
    pub fn build(self) -> Result<RedisStore> {
        #[cfg(feature = "redis-tls")]
        if self.target.uses_tls() && rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::new(
                ErrorKind::StoreUrl,
                "TLS needs a crypto provider, and the choice is the application's: call \
                 `rustls::crypto::…::default_provider().install_default()` before it opens stores",
            )
            .with_store(super::NAME));
        }
        let terms = Terms::of_server(self.timeout);
        let server = reach(self.target.clone(), terms);
        let confirms = self.replicas.is_some();
        let writes = match self.replicas {
            None => server.clone(),
            Some(replicas) => {
                let replicas = Some(replicas.at_most_half_of(self.timeout));
                reach(self.target, Terms { replicas, ..terms })
            }
        };
        Ok(RedisStore { server, writes, keys: self.keys, settings: self.settings, confirms })
    }

    /// Makes the store and asks the server whether it is there; warns if it drops keys when it is full
    /// ([`RedisStore::check`]).
    ///
    /// # Errors
    /// Those of [`build`](Self::build), and [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the server cannot be reached.
    pub async fn connect(self) -> Result<RedisStore> {
        let store = self.build()?;
        store.ping().await?;
        store.warn().await;
        Ok(store)
    }
}

/// The way to all servers of a target.
fn reach(target: url::Target, terms: Terms) -> Server {
    let link = |target| Server::Single(Arc::new(Link::new(target, terms)));
    match target {
        url::Target::Single(info) => link(Target::Fixed(info)),
        url::Target::Sentinel(sentinels) => link(Target::Master(sentinels)),
        url::Target::Cluster(seeds, server) => {
            Server::Cluster(Arc::new(Cluster::new(seeds, server, terms)))
        }
    }
}

/// Prints no address and no password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("keys", &self.keys)
            .field("timeout", &self.timeout)
            .field("replicas", &self.replicas)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
