use std::fmt;

use tower_layer::Layer;

use super::SessionService;
use crate::backend::{ServerSideSessionBackend, Sessions};
use crate::config::{ConfigError, ServerSideSessionConfig};
use crate::store::Store;

/// Gives each request of a service a session.
///
/// # Rules
/// 1. A request that does not use its session costs no store call, no parsing and no cookie.
/// 2. What was changed is stored before the response head goes out; if that fails the response is replaced
///    by an empty one with the error's status, and the [`ErrorKind`](crate::ErrorKind) in its extensions.
/// 3. A response of a session that was used says `Vary: Cookie` and `Cache-Control: private`; one that sets
///    the cookie, `no-store`.
///
/// Put it outside of everything that uses sessions, and only once: a second one is an error where the session
/// is used. A layer that answers for a panic belongs inside it.
///
/// # Examples
/// ```
/// use cloakroom::{MemoryStore, SessionLayer};
///
/// let layer = SessionLayer::new(MemoryStore::new())?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SessionLayer {
    backend: ServerSideSessionBackend,
}

impl SessionLayer {
    /// Sessions in `store`, with the defaults.
    ///
    /// # Errors
    /// Never with the present defaults; the signature leaves room for them to depend on the store.
    pub fn new(store: impl Store) -> Result<Self, ConfigError> {
        Self::with_config(store, ServerSideSessionConfig::default())
    }

    /// Sessions in `store`, configured.
    ///
    /// # Errors
    /// If the configuration is illegal; the error names the field and the fix.
    pub fn with_config(
        store: impl Store,
        config: ServerSideSessionConfig,
    ) -> Result<Self, ConfigError> {
        ServerSideSessionBackend::new(store, config).map(Self::from_backend)
    }

    /// Sessions by a backend that exists already.
    pub fn from_backend(backend: ServerSideSessionBackend) -> Self {
        Self { backend }
    }

    /// The backend.
    pub fn backend(&self) -> &ServerSideSessionBackend {
        &self.backend
    }

    /// Operations on sessions outside a request.
    pub fn sessions(&self) -> Sessions {
        self.backend.sessions()
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService::new(inner, self.backend.clone())
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("backend", &self.backend).finish()
    }
}
