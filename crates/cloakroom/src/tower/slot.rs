use std::fmt;
use std::sync::Arc;

use http::header::{COOKIE, HOST};
use http::{HeaderMap, HeaderValue};

use crate::error::{Error, ErrorKind, Result};
use crate::session::Session;
use crate::session::state::Shared;

/// What the layer leaves in a request's extensions: the way to its session.
///
/// In axum the extractors use it; elsewhere take it from the extensions.
///
/// # Examples
/// ```
/// # async fn f(request: http::Request<()>) -> Result<(), cloakroom::Error> {
/// use cloakroom::SessionSlot;
///
/// if let Some(slot) = request.extensions().get::<SessionSlot>() {
///     let session = slot.load(request.headers()).await?;
///     session.insert("seen", &true)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionSlot(Slot);

#[derive(Clone)]
enum Slot {
    Ready(Arc<Shared>),
    Excluded,
    LayerTwice,
}

/// Marks a route whose requests have no session: put it into the request's extensions before the session is
/// used, in axum with `.layer(Extension(SkipSession))` on the route.
///
/// The counterpart of the route option `skip_session` of Litestar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkipSession;

impl SessionSlot {
    pub(super) fn ready(shared: Arc<Shared>) -> Self {
        Self(Slot::Ready(shared))
    }

    pub(super) fn excluded() -> Self {
        Self(Slot::Excluded)
    }

    pub(super) fn layer_twice() -> Self {
        Self(Slot::LayerTwice)
    }

    /// The session of the request with these headers, loaded at the first call.
    ///
    /// The headers are given each time so that a request which never asks pays for no copy of them.
    ///
    /// # Errors
    /// [`ErrorKind::Excluded`] on a path without sessions, [`ErrorKind::LayerTwice`] under two layers,
    /// [`ErrorKind::InsecureHost`] by the development preset, and what the store reports.
    pub async fn load(&self, headers: &HeaderMap) -> Result<Session> {
        match &self.0 {
            Slot::Ready(shared) => {
                shared.backend.check_host(headers.get(HOST).map(HeaderValue::as_bytes))?;
                if shared.used_state().is_none() {
                    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
                    let found = shared.backend.candidates(lines);
                    shared.backend.load_into(shared, found).await?;
                }
                Ok(Session::new(shared.clone()))
            }
            Slot::Excluded => {
                Err(Error::new(ErrorKind::Excluded, "this route, path or scope has no sessions"))
            }
            Slot::LayerTwice => Err(Error::new(
                ErrorKind::LayerTwice,
                "the request passed two session layers; remove one",
            )),
        }
    }
}

impl fmt::Debug for SessionSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSlot").finish_non_exhaustive()
    }
}
