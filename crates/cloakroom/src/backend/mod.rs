//! The session rules: from a request's cookies to a [`Session`], and from its changes to the store.
//!
//! No framework is known here. An adapter hands over the bytes of the `Cookie` headers, and puts the
//! [`MessageHeaders`] it gets into the response.

mod all;
mod attempt;
mod cleanup;
mod commit;
mod load;
mod message;
#[cfg(feature = "tower")]
mod owed;
mod plan;
mod queue;
mod rate;
mod recover;
mod sessions;
mod tally;
mod watch;
mod work;
mod write;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

pub use self::all::AllSessions;
pub use self::cleanup::Cleanup;
#[cfg(feature = "tower")]
pub(crate) use self::commit::Closed;
pub use self::message::MessageHeaders;
pub use self::sessions::{SessionInfo, Sessions};

use self::queue::Queues;
use self::rate::Rate;
use self::tally::Tallies;
use crate::config::{Checked, ConfigError, Scope, ServerSideSessionConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SessionHandle, SessionId, os_random};
use crate::record::{Encoding, Limits, Record, Revision};
use crate::store::{AnyStore, BoxFuture, Call, DynStore, Store};
use crate::time::{Clock, SystemClock, UnixMillis};

/// Loads and stores sessions: one store, one checked configuration, one clock. Clones are the same backend.
///
/// # Adapters
/// All that an adapter to a web framework does, for each request:
/// 1. Where the route or [`excludes`](Self::excludes) says so, there is no session.
/// 2. When the session is first used, and not before, it asks [`check_host`](Self::check_host) and then
///    [`load_from_connection`](Self::load_from_connection), with the bytes of every `Cookie` line.
/// 3. When the handler has answered and before the head goes out, it calls
///    [`store_in_message`](Self::store_in_message); if that fails, the answer is the error's status.
/// 4. It puts the [`MessageHeaders`] into the response.
/// 5. If the framework drops the request half-way, it calls `store_in_message` with status 500 in a task of its own,
///    so that an end of the session takes effect, and a limit on the sessions of a subject.
///
/// `testkit::adapter` holds the cases that prove it.
///
/// # Examples
/// ```
/// use cloakroom::{MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig};
///
/// let backend = ServerSideSessionBackend::new(MemoryStore::new(), ServerSideSessionConfig::default())?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ServerSideSessionBackend(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    store: AnyStore,
    config: Arc<Checked>,
    clock: Arc<dyn Clock>,
    random: Arc<crate::id::RandomSource>,
    queues: Arc<Queues>,
    creations: Arc<Rate>,
    tallies: Arc<Tallies>,
    revisions: Arc<AtomicU64>,
}

impl ServerSideSessionBackend {
    /// A backend on `store`.
    ///
    /// # Errors
    /// If the configuration is illegal; the error names the field and the fix.
    pub fn new(store: impl Store, config: ServerSideSessionConfig) -> Result<Self, ConfigError> {
        let config = config.check()?;
        if !config.secure {
            tracing::warn!("session cookies are not `Secure`: anyone on the network can read them");
        }
        let mut seed = [0; 8];
        // A failure is no danger here: revisions need not be unpredictable, only different, and the next call
        // that needs a secret reports it.
        let _ = os_random(&mut seed);
        Ok(Self(Arc::new(Inner {
            store: AnyStore::new(store),
            config: Arc::new(config),
            clock: Arc::new(SystemClock),
            random: Arc::new(os_random),
            queues: Arc::default(),
            creations: Arc::default(),
            tallies: Arc::default(),
            revisions: Arc::new(AtomicU64::new(u64::from_le_bytes(seed))),
        })))
    }

    /// The same backend with another clock; for tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        let inner = Inner { clock: Arc::new(clock), ..(*self.0).clone() };
        Self(Arc::new(inner))
    }

    #[cfg(test)]
    pub(crate) fn with_random(self, random: Arc<crate::id::RandomSource>) -> Self {
        let inner = Inner { random, ..(*self.0).clone() };
        Self(Arc::new(inner))
    }

    /// The store.
    pub fn store(&self) -> &AnyStore {
        &self.0.store
    }

    /// Operations on sessions outside a request: list, count, revoke.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.clone())
    }

    /// A new ID, unused by any session with all but impossible odds.
    ///
    /// # Errors
    /// [`ErrorKind::Random`].
    pub fn generate_session_id(&self) -> Result<SessionId> {
        SessionId::generate_with(self.0.config.session_id_bytes, &*self.0.random)
    }

    /// Whether requests to this path have no session, by the configuration; for authors of adapters.
    ///
    /// The path is taken as it came, without the query and not decoded.
    ///
    /// # Examples
    /// ```
    /// use cloakroom::{MemoryStore, Scope, ServerSideSessionBackend, ServerSideSessionConfig};
    ///
    /// let config = ServerSideSessionConfig::default().with_exclude(["/static/.*"]);
    /// let backend = ServerSideSessionBackend::new(MemoryStore::new(), config)?;
    /// assert!(backend.excludes(Scope::Http, "/static/logo.svg"));
    /// assert!(!backend.excludes(Scope::Http, "/cart"));
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn excludes(&self, scope: Scope, path: &str) -> bool {
        self.0.config.excludes(scope, path)
    }

    /// Whether a request to this host may have a session; the development preset serves loopback alone.
    ///
    /// `host` is the `Host` header; a request without one (HTTP/2, a call in a test) passes, since browsers
    /// send it on every plain http request.
    ///
    /// # Errors
    /// [`ErrorKind::InsecureHost`].
    pub fn check_host(&self, host: Option<&[u8]>) -> Result<()> {
        if !self.0.config.loopback_only || host.is_none_or(is_loopback) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InsecureHost,
            "the development preset serves localhost alone; use the default preset, over https",
        ))
    }

    /// The store with its type hidden.
    fn erased(&self) -> &dyn DynStore {
        self.0.store.erased()
    }

    pub(crate) fn config(&self) -> &Checked {
        &self.0.config
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.config.limits
    }

    /// A session keeps the encoding it was created with.
    pub(crate) fn encoding_for(&self, record: Option<&Record>) -> Encoding {
        record.map_or(self.0.config.encoding, |record| record.data().encoding())
    }

    /// A revision that no record of this session has had.
    ///
    /// A random start and a counter: two processes would have to start within each other's counts.
    fn next_revision(&self) -> Revision {
        Revision::from_u64(self.0.revisions.fetch_add(1, Ordering::Relaxed))
    }

    fn queue(&self, handle: SessionHandle) -> Arc<queue::Turn> {
        self.0.queues.of(handle)
    }

    /// Waits for a store, but not longer than configured.
    async fn bounded<T>(&self, call: Call<'_, T>) -> Result<T> {
        let outcome = match call {
            Call::Made(outcome) => outcome,
            Call::Waits(mut call) => {
                // It may be ready at once, and then needs no timer, and no runtime that has one.
                let first = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
                match first {
                    Poll::Ready(outcome) => outcome,
                    // Boxed for the sake of the futures around this one, which pay for its size also where it is ready.
                    Poll::Pending => Box::pin(self.in_time(call)).await,
                }
            }
        };
        outcome.map_err(|error| error.with_store(self.0.store.name()))
    }

    async fn in_time<T>(&self, call: BoxFuture<'_, Result<T>>) -> Result<T> {
        let limit = self.0.config.operation_timeout;
        tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Unavailable,
                format!("the store did not answer within {limit:?}; check it, or raise `operation_timeout`"),
            ))
        })
    }
}

/// `localhost`, `127.0.0.0/8` or `[::1]`, with or without a port.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    if let Ok(address) = host.parse::<std::net::SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let name = name.map_or(host, |(name, _)| name);
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for ServerSideSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSideSessionBackend")
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
