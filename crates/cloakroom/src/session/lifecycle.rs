//! How long a session lives, and when it is stored.

use std::time::Duration;

use super::state::Wanted;
use super::{MaxAge, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;
use crate::store::Ended;
use crate::time::UnixMillis;

impl Session {
    /// When the session was created.
    pub fn created_at(&self) -> Option<UnixMillis> {
        self.shared().state().record.as_ref().map(Record::created_at)
    }

    /// When the session was last renewed: written, or used with renewal on. Exact to the renewal throttle.
    pub fn last_seen_at(&self) -> Option<UnixMillis> {
        self.shared().state().record.as_ref().map(Record::last_seen_at)
    }

    /// When the session ends if it is left alone.
    pub fn expires_at(&self) -> Option<UnixMillis> {
        self.shared().state().record.as_ref().map(Record::expires_at)
    }

    /// Gives this session a lifetime of its own, which later writes keep.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] for less than a second or more than 400 days, which browsers do not keep
    /// (RFC 6265bis, section 5.5); [`ErrorKind::HeadersSent`] from a [`detached`](Self::detached) handle.
    pub fn set_max_age(&self, max_age: MaxAge) -> Result<()> {
        if let MaxAge::Lasting(duration) = max_age {
            const DAY: u64 = 24 * 60 * 60;
            if duration < Duration::from_secs(1) || duration > Duration::from_secs(400 * DAY) {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    "a session's lifetime is one second to 400 days",
                ));
            }
        }
        self.change_id(|state| {
            state.wanted.max_age = Some(max_age);
            Ok(())
        })
    }

    /// Restarts the idle timeout, whatever the renewal settings say.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after the response.
    pub fn renew(&self) -> Result<()> {
        self.change(|state| {
            state.wanted.renew = true;
            Ok(())
        })
    }

    /// Stores the changes now, before the response head or without one.
    ///
    /// A response waits for a save that is under way, up to `operation_timeout`, so that the ID of a new session goes
    /// out with it.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the session has ended meanwhile, [`ErrorKind::HeadersSent`] if it would be a
    /// new one and no cookie can be sent any more, [`ErrorKind::Closed`] after the response, and whatever
    /// the store reports. After an error the changes are still there, except on `Gone`.
    ///
    /// A save that failed or was dropped may have been stored. The next one, or the response, looks first and
    /// stores nothing twice; if another request wrote since, so that nobody can know, it fails with
    /// [`ErrorKind::Unavailable`].
    pub async fn save(&self) -> Result<()> {
        self.shared().backend.save(self.shared()).await
    }

    /// Drops what this request changed and has not stored: data, labels, a sign-in, a new ID or lifetime. The
    /// session looks as it was loaded, or as it was last saved.
    ///
    /// For a handler that finds out half-way that it must refuse: its response stores what was changed unless it
    /// is a 5xx. An end is not undone: a session that was [destroyed](Self::destroy) ends all the same. Nor is
    /// what an unfinished [`save`](Self::save) carries.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after the response, when it is too late.
    ///
    /// # Examples
    /// ```
    /// # fn f(session: &cloakroom::Session, items: &[u64]) -> Result<(), cloakroom::Error> {
    /// let added: Result<(), _> =
    ///     items.iter().try_for_each(|item| session.insert(&*format!("item{item}"), &true));
    /// if let Err(too_much) = added {
    ///     session.discard()?; // all of them, or none
    ///     return Err(too_much);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "rollback")]
    pub fn discard(&self) -> Result<()> {
        self.change(|state| {
            state.draft.discard();
            let wanted = &mut state.wanted;
            let (end, rotate) = (wanted.end.take(), wanted.rotate);
            // A scheduled rotation is nothing that the request asked for.
            *wanted = Wanted { end, rotate, ..Wanted::default() };
            Ok(())
        })
    }

    /// Loads the session again, under the changes made so far. Waits for a [`save`](Self::save) that is under way.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] if the session has ended, or this ID is no longer its ID.
    pub async fn reload(&self) -> Result<()> {
        self.shared().backend.reload(self.shared()).await
    }

    /// Resolves when the session has ended, wherever that happened: within a second of a revocation or an
    /// expiry. At once if there is none.
    ///
    /// For sockets and event streams, which should close then. A store that cannot be reached ends nothing.
    pub async fn ended(&self) -> Ended {
        let handle = self.handle();
        match handle {
            Some(handle) => self.shared().backend.ended(handle).await,
            None => Ended::Destroyed,
        }
    }
}
