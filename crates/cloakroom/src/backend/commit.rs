//! From a request's changes to the store: compare-and-set, and replay on a conflict.

use std::time::Duration;

use super::ServerSideSessionBackend;
use super::load::gone;
use super::work::{Work, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionHandle;
use crate::record::Record;
use crate::session::attempt::Next;
use crate::session::draft::Draft;
use crate::session::state::{CookieChange, Phase, Shared, Wanted};
use crate::session::{Absence, headers_sent};
use crate::store::Store;

/// How long after its load or save a request may send a cookie that was decided then without another look.
///
/// Responses overtake one another on their way by more than this, so the look would promise nothing.
const OVERTAKING: Duration = Duration::from_millis(10);

/// What became of a commit.
pub(super) enum Outcome {
    /// Stored; what the session is now.
    Stored(Next),
    /// The session had ended, or its ID was changed: the changes are dropped.
    Lost,
}

/// What a request leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It never used its session: the response is none of our business.
    Unused,
    /// Nothing to store.
    Unchanged,
    /// Something for [`commit`](ServerSideSessionBackend::commit).
    Changed,
}

impl ServerSideSessionBackend {
    /// Takes no more changes, drops those of data unless they are kept, and tells whether there is anything left for
    /// [`commit`](Self::commit): changes, a cookie to confirm, or a save that is under way.
    pub(crate) fn close(&self, shared: &Shared, keep_changes: bool) -> Closed {
        let Some(mut state) = shared.close_unused() else { return Closed::Unused };
        state.phase = Phase::Closed;
        if !keep_changes {
            let base = state.record.as_ref().map(Record::data);
            state.draft = Draft::over(base);
            state.wanted = Wanted { end: state.wanted.end.take(), ..Wanted::default() };
        }
        if let CookieChange::Unconfirmed { at, .. } = state.cookie {
            let now = self.now();
            if at <= now && now.since(at) <= OVERTAKING {
                state.cookie = CookieChange::Set(at);
            }
        }
        let unconfirmed = matches!(state.cookie, CookieChange::Unconfirmed { .. });
        // A turn that is taken is a save that is under way.
        let busy = shared.turn.try_lock().is_err();
        if state.is_dirty() || state.attempt.is_some() || unconfirmed || busy {
            Closed::Changed
        } else {
            Closed::Unchanged
        }
    }

    /// Stores what a response is to store, after a save that is under way: an ID that this makes goes out with the
    /// response, and what it fails to store is stored here.
    pub(crate) async fn commit(&self, shared: &Shared, keep_changes: bool) -> Result<()> {
        let _in_order = match shared.turn.try_lock() {
            Ok(turn) => Some(turn),
            // Not for ever: the application may hold a save that it drives on only after the response.
            Err(_) => {
                let limit = self.config().operation_timeout;
                Box::pin(tokio::time::timeout(limit, shared.turn.lock())).await.ok()
            }
        };
        self.close(shared, keep_changes);
        self.store_changes(shared).await
    }

    pub(crate) async fn save(&self, shared: &Shared) -> Result<()> {
        if shared.state().phase == Phase::Closed {
            return Err(Error::new(
                ErrorKind::Closed,
                "the response was committed, and with it the session; use `detached` to go on",
            ));
        }
        let _in_order = shared.turn.lock().await;
        self.store_changes(shared).await
    }

    async fn store_changes(&self, shared: &Shared) -> Result<()> {
        let stored = self.store_log(shared).await;
        let unconfirmed = {
            let state = shared.state();
            let unconfirmed = matches!(state.cookie, CookieChange::Unconfirmed { .. });
            stored.is_ok() && state.phase == Phase::Closed && unconfirmed
        };
        if unconfirmed {
            // Boxed, as it seldom happens.
            Box::pin(self.confirm_cookie(shared)).await;
        }
        stored
    }

    /// Lets a cookie that was decided before the response go out if its ID is still accepted, and otherwise forgets
    /// it.
    async fn confirm_cookie(&self, shared: &Shared) {
        let (at, first, id) = {
            let mut state = shared.state();
            let CookieChange::Unconfirmed { at, first } = state.cookie else { return };
            state.cookie = CookieChange::Keep;
            let Some(id) = state.id.clone() else { return };
            (at, first, id)
        };
        let live = self.load_again(&id).await;
        let mut state = shared.state();
        match live {
            Ok(Some(live)) => {
                state.cookie = CookieChange::Set(at);
                state.id = Some(live.id);
                state.record = Some(live.record);
            }
            // Without it nobody could reach the session that was stored.
            Err(_) if first => state.cookie = CookieChange::Set(at),
            // A store that does not answer is no reason to fail a response that has nothing more to store.
            Ok(None) | Err(_) => {}
        }
    }

    async fn store_log(&self, shared: &Shared) -> Result<()> {
        loop {
            if shared.state().wanted.end.is_some() {
                Box::pin(self.end_old(shared)).await?;
            }
            if shared.state().attempt.is_some() {
                Box::pin(self.settle_attempt(shared)).await?;
            }
            if self.store_once(shared).await? {
                return Ok(());
            }
        }
    }

    /// Whether it is done; otherwise the changes are where they were, and an end must be stored or an earlier attempt be
    /// looked for.
    async fn store_once(&self, shared: &Shared) -> Result<bool> {
        let mut work = {
            let mut state = shared.state();
            if !state.is_dirty() {
                return Ok(true);
            }
            if state.wanted.end.is_some() {
                // Destroyed since that was looked at, by a clone of the handle.
                return Ok(false);
            }
            if state.record.is_none() && state.phase == Phase::Detached {
                return Err(if state.absence.is_none() { gone() } else { headers_sent() });
            }
            let now = self.now();
            let next = match (&state.id, &state.record) {
                (Some(id), Some(record)) => {
                    self.plan_change(record, id, &state.draft, &state.wanted, now)?
                }
                _ => {
                    self.admit_creation(&state.wanted, now)?;
                    self.plan_new(&state.draft, &state.wanted, now)?
                }
            };
            Work::take(shared, &mut state, next)
        };
        if work.wanted.sign_in.is_some() {
            Box::pin(self.admit_sign_in(&mut work)).await?;
        }
        let written = match &work.replaces {
            None => self.create(&mut work).await?,
            Some(_) => self.replace(&mut work).await?,
        };
        let session = work.next.id.handle();
        let outcome = match written {
            Written::Stored => Outcome::Stored(work.settled()),
            Written::Lost => {
                drop(work.settled());
                Outcome::Lost
            }
            Written::Unclear => return Ok(false),
        };
        self.settle(shared, session, outcome)?;
        Ok(true)
    }

    /// Notes in the state what became of a commit of `session`.
    pub(super) fn settle(
        &self,
        shared: &Shared,
        session: SessionHandle,
        outcome: Outcome,
    ) -> Result<()> {
        let mut state = shared.state();
        state.sending = None;
        let mut encoding = self.config().encoding;
        let data = match outcome {
            // Destroyed meanwhile; the end is still to be stored.
            _ if state.ends(session) => None,
            Outcome::Stored(next) if next.ends => {
                (state.id, state.record) = (None, None);
                state.absence = Some(Absence::Unknown);
                state.cookie = CookieChange::Expire;
                None
            }
            Outcome::Stored(next) => {
                let unconfirmed = match state.cookie {
                    CookieChange::Unconfirmed { first, .. } => Some(first),
                    _ => None,
                };
                if state.phase == Phase::Closed {
                    // What was just stored with this ID confirms it.
                    if next.cookie || unconfirmed.is_some() {
                        state.cookie = CookieChange::Set(next.at);
                    }
                } else if next.cookie {
                    let first = unconfirmed == Some(true)
                        || state.id.as_ref().is_none_or(|before| !before.is(&next.id));
                    state.cookie = CookieChange::Unconfirmed { at: next.at, first };
                }
                state.created |= state.record.is_none();
                state.id = Some(next.id);
                let data = next.record.data();
                encoding = data.encoding();
                state.record = Some(next.record);
                Some(data)
            }
            Outcome::Lost => {
                (state.id, state.record) = (None, None);
                state.cookie = CookieChange::Keep;
                state.absence = Some(Absence::Unknown);
                state.draft = Draft::default();
                if state.phase == Phase::Closed {
                    tracing::debug!("session ended while its request ran; changes dropped");
                    return Ok(());
                }
                return Err(gone());
            }
        };
        if !state.draft.is_changed() {
            state.draft.replace_with(Draft::over(data));
            return Ok(());
        }
        drop(state);
        shared.rebase(data.as_ref(), encoding)
    }

    /// Deletes the session that was destroyed. Unconditional: whoever held its secret may end it.
    async fn end_old(&self, shared: &Shared) -> Result<()> {
        let Some((handle, why)) = shared.state().wanted.end else { return Ok(()) };
        // The visitor asked for it, so the cookie goes also if the store cannot be reached.
        shared.state().cookie = CookieChange::Expire;
        let now = self.now();
        let deleted = self.bounded(self.erased().dyn_delete(handle, why, now)).await;
        match deleted {
            Ok(there) => {
                let mut state = shared.state();
                state.wanted.end = None;
                if !there {
                    state.cookie = CookieChange::Keep;
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%handle, store = self.store().name(), "session could not be destroyed");
                Err(error)
            }
        }
    }
}
