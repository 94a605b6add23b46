use std::future::Future;
use std::net::SocketAddr;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::backend::ServerSideSessionBackend;
use crate::config::ServerSideSessionConfig;
use crate::store::MemoryStore;
use crate::testkit::client::{Answer, PATIENCE, Visitor, is_alive};
use crate::testkit::{Fault, FaultyStore, Gate, Operation, TestClock};

/// How an application is started on a backend; every `async fn(ServerSideSessionBackend) -> SocketAddr` is one.
///
/// It returns when the application accepts connections at that address, a loopback one, and goes on serving.
/// It may serve on threads and a runtime of its own.
pub trait Start {
    /// Starts it.
    fn start(&self, backend: ServerSideSessionBackend) -> impl Future<Output = SocketAddr>;
}

impl<F: AsyncFn(ServerSideSessionBackend) -> SocketAddr> Start for F {
    async fn start(&self, backend: ServerSideSessionBackend) -> SocketAddr {
        self(backend).await
    }
}

/// A running application whose store and clock obey the test.
#[derive(Debug)]
pub struct Site {
    /// Where it listens.
    pub address: SocketAddr,
    /// The backend it was started on.
    pub backend: ServerSideSessionBackend,
    /// The backend's store.
    pub store: FaultyStore<MemoryStore>,
    /// The backend's clock.
    pub clock: TestClock,
}

impl Site {
    /// Starts an application with a configuration.
    ///
    /// # Panics
    /// If the configuration is illegal.
    pub async fn start(start: &impl Start, config: ServerSideSessionConfig) -> Self {
        let (store, clock) = (FaultyStore::new(MemoryStore::new()), TestClock::new());
        let backend = ServerSideSessionBackend::new(store.clone(), config);
        let backend = backend.expect("a legal configuration").with_clock(clock.clone());
        let address = start.start(backend.clone()).await;
        Self { address, backend, store, clock }
    }

    /// Starts an application with the default configuration.
    pub(super) async fn by_default(start: &impl Start) -> Self {
        Self::start(start, ServerSideSessionConfig::default()).await
    }

    /// Someone without a cookie.
    pub fn visitor(&self) -> Visitor {
        Visitor::at(self.address)
    }

    /// Someone with this cookie, `name=value`.
    pub fn visitor_with(&self, cookie: impl Into<String>) -> Visitor {
        Visitor { address: self.address, cookie: Some(cookie.into()) }
    }

    /// Someone with a session of this data, set by `POST /set`.
    pub async fn with_session(&self, data: &str) -> Visitor {
        let mut visitor = self.visitor();
        visitor.does("/set", data).await;
        visitor
    }

    /// Someone who is signed in, by `POST /sign-in`.
    pub async fn signed_in(&self, subject: &str) -> Visitor {
        let mut visitor = self.visitor();
        let body = serde_json::json!({"subject": subject}).to_string();
        visitor.does("/sign-in", &body).await;
        visitor
    }

    /// Whether the cookie that this visitor holds selects a session.
    pub async fn knows(&self, visitor: &Visitor) -> bool {
        match &visitor.cookie {
            Some(cookie) => is_alive(self.address, cookie).await,
            None => false,
        }
    }

    /// The number of live sessions.
    pub async fn live(&self) -> u64 {
        self.backend.sessions().count().await.expect("a store that can be asked")
    }

    /// Starts a request of this visitor, `(method, path, body)`, and returns when the `nth` call of `operation`
    /// from now on waits at the gate.
    pub async fn held(
        &self,
        visitor: &Visitor,
        (operation, nth): (Operation, usize),
        (method, path, body): (&'static str, &'static str, &'static str),
    ) -> (JoinHandle<Answer>, Gate) {
        let gate = Gate::new();
        self.store.inject(operation, nth, Fault::Wait(gate.clone()));
        let mut visitor = visitor.clone();
        let request = tokio::spawn(async move { visitor.send(method, path, body).await });
        let reached = timeout(PATIENCE, gate.reached()).await;
        reached.expect("the request reaches the store");
        (request, gate)
    }
}

/// A configuration by which the store may take as long as a test waits, so that a request that is held does not
/// fail for it on a slow machine.
pub(super) fn patient() -> ServerSideSessionConfig {
    ServerSideSessionConfig::default().with_operation_timeout(PATIENCE)
}

/// The answer to a request that was held, after its gate was opened.
pub(super) async fn released(held: (JoinHandle<Answer>, Gate)) -> Answer {
    let (request, gate) = held;
    gate.open();
    request.await.expect("a request that does not fail")
}
