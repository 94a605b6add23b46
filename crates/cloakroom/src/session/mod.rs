//! What a handler touches: a session's data, its identity, its lifetime.

mod absence;
pub(crate) mod attempt;
mod data;
pub(crate) mod draft;
mod identity;
mod key;
mod lifecycle;
pub(crate) mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::absence::Absence;
pub use self::key::{Key, KeyOf};

use self::state::{Phase, Shared, State};
use crate::error::{Error, ErrorKind, Result};

/// The session of one request.
///
/// Reads and writes are plain synchronous calls on a local view; they are stored when the response head is
/// ready, or by [`save`](Self::save). Clones are the same session. No lock is held while code of the
/// application runs.
///
/// # Rules
/// 1. A request that changes nothing writes nothing. A new session that is left empty is not stored at all.
/// 2. Requests that change different keys all survive. Of two that [`insert`](Self::insert) the same key the
///    later commit wins; use [`update`](Self::update) where the new value depends on the old.
/// 3. A session that ended while the request ran stays ended: its changes are dropped, and the response
///    neither sets nor clears the cookie.
/// 4. A response with status 5xx stores no data unless configured; an end of the session always takes effect.
///    Any other stores what was changed, unless the handler [discards](Self::discard) it.
/// 5. A session left with neither data nor subject ends, and its cookie is expired.
///
/// # Cancellation
/// The asynchronous methods may be dropped at any point: the stored record is as before or as after.
///
/// # Examples
/// ```
/// # async fn f(session: cloakroom::Session) -> Result<(), cloakroom::Error> {
/// let visits = session.update("visits", |n: &mut u64| { *n += 1; *n })?;
/// session.insert("name", "Ada")?;
/// let name: Option<String> = session.get("name")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// How long one session lasts, when it differs from the configuration ("remember me").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaxAge {
    /// Until it has been idle for this long; the cookie lasts as long. At least a second.
    Lasting(Duration),
    /// Until the browser closes: the cookie has no `Max-Age`. The store keeps the session for the configured
    /// idle timeout.
    BrowserSession,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A handle for use after the response: in a streaming body, a WebSocket, a background task.
    ///
    /// What is changed through it is stored by [`save`](Self::save) and by nothing else. It starts from what
    /// is stored at the moment, not from changes that this request has yet to commit, so call it where it is
    /// used. Since no cookie can be sent any more, it cannot start a session and cannot change the ID.
    #[must_use]
    pub fn detached(&self) -> Self {
        let state = self.shared.state();
        let data = state.record.as_ref().map(crate::record::Record::data);
        let detached = State {
            phase: Phase::Detached,
            used: true,
            id: state.id.clone(),
            record: state.record.clone(),
            absence: state.absence,
            draft: draft::Draft::over(data),
            ..State::default()
        };
        drop(state);
        Self { shared: Shared::new(self.shared.backend.clone(), detached) }
    }

    /// Runs `change` on the state of a session that still takes changes.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.shared.state();
        if state.phase == Phase::Closed {
            return Err(Error::new(
                ErrorKind::Closed,
                "the session was changed after its response was committed; use `detached` and `save`",
            ));
        }
        change(&mut state)
    }

    /// Like [`change`](Self::change), for what needs a new cookie.
    fn change_id<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        self.change(|state| {
            if state.phase == Phase::Detached {
                return Err(headers_sent());
            }
            change(state)
        })
    }
}

pub(crate) fn headers_sent() -> Error {
    Error::new(
        ErrorKind::HeadersSent,
        "this needs a cookie, but the response head has gone; do it before the handler returns",
    )
}

/// Prints the handle and whether somebody is signed in, never data.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        f.debug_struct("Session")
            .field("handle", &state.id.as_ref().map(crate::SessionId::handle))
            .field("absence", &state.absence)
            .finish_non_exhaustive()
    }
}
