//! What a response must say about the session.

use std::fmt;

use super::ServerSideSessionBackend;
use super::commit::Closed;
use crate::error::Result;
use crate::session::Session;
use crate::session::state::{CookieChange, Shared};

/// Headers that a response needs, without a framework's types.
///
/// A response that sets the cookie also says `Cache-Control: no-store`: whoever got it from a cache would get the
/// session.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct MessageHeaders {
    /// The value of `Set-Cookie`. Treat it as a secret. It replaces any other of the same cookie name.
    pub set_cookie: Option<String>,
    /// Whether the session was used, so that the response depends on the cookie: `Vary: Cookie`, and no
    /// shared cache may keep it (`Cache-Control: private`).
    pub used: bool,
}

/// Prints whether there is a cookie, not the cookie: an ID stands in it.
impl fmt::Debug for MessageHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageHeaders")
            .field("sets_cookie", &self.set_cookie.is_some())
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

impl ServerSideSessionBackend {
    /// Stores the changes of a request's session and tells what its response must say.
    ///
    /// `status` decides whether data is stored: not for 5xx, unless configured. A session is stored before
    /// the first byte of the response, so that whoever has the headers can rely on it.
    ///
    /// # Errors
    /// What the store reports. The headers are needed also then: a visitor who signs out loses the cookie
    /// although the store is down.
    pub async fn store_in_message(
        &self,
        session: &Session,
        status: u16,
    ) -> (MessageHeaders, Result<()>) {
        let shared = session.shared();
        let keep = self.keeps_changes(status);
        let outcome = match self.close(shared, keep) {
            Closed::Changed => self.commit(shared, keep).await,
            Closed::Unused | Closed::Unchanged => Ok(()),
        };
        (self.headers_for(shared), outcome)
    }

    pub(crate) fn keeps_changes(&self, status: u16) -> bool {
        status < 500 || self.config().save_on_server_error
    }

    pub(crate) fn headers_for(&self, shared: &Shared) -> MessageHeaders {
        let Some(state) = shared.used_state() else { return MessageHeaders::default() };
        let cookie = &self.config().cookie;
        let set_cookie = match (state.cookie, &state.id, &state.record) {
            (CookieChange::Set(at), Some(id), Some(record)) => {
                let max_age = (!record.is_browser_session()).then(|| record.expires_at().since(at));
                Some(cookie.set(id, max_age))
            }
            (CookieChange::Expire, ..) => Some(cookie.expire()),
            _ => None,
        };
        MessageHeaders { set_cookie, used: true }
    }

    /// The full name of the cookie, prefix included.
    pub fn cookie_name(&self) -> &str {
        self.config().cookie.name()
    }
}
