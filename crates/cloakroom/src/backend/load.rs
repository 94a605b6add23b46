//! From cookies to a session.

use std::sync::Arc;

use super::ServerSideSessionBackend;
use crate::cookie::{Candidates, candidates};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SecretHash, SessionHandle, SessionId};
use crate::lifetime::{Verdict, judge, rotation_due};
use crate::record::Record;
use crate::session::draft::Draft;
use crate::session::state::{CookieChange, Phase, Shared, State};
use crate::session::{Absence, Session};
use crate::store::{Call, Ended, Lookup, Renewal, Store};
use crate::time::UnixMillis;

/// A live session and the secret to go on with.
pub(super) struct Live {
    pub(super) id: SessionId,
    pub(super) record: Record,
    /// Whether the browser still holds the secret before `id`.
    pub(super) in_grace: bool,
    /// The moment that the store was told; a renewal counts from it, however long the answer took.
    at: UnixMillis,
}

/// What a secret selects: a live record, and the secret after the presented one if that was replaced.
pub(super) struct Found {
    record: Record,
    successor: Option<Box<SessionId>>,
    at: UnixMillis,
}

impl Found {
    pub(super) fn held_by(self, presented: SessionId) -> Live {
        let in_grace = self.successor.is_some();
        let id = self.successor.map_or(presented, |successor| *successor);
        Live { id, record: self.record, in_grace, at: self.at }
    }
}

impl ServerSideSessionBackend {
    /// A session that has not looked at any cookie; it does so in [`load_into`](Self::load_into).
    pub(crate) fn untouched(&self) -> Arc<Shared> {
        Shared::unused(self.clone())
    }

    /// Finds the session of a request by its `Cookie` headers, given as their bytes.
    ///
    /// An ID that is malformed, unknown, expired or revoked selects nothing and names nothing: the request
    /// has a new, empty session, which gets an ID of its own when something is stored.
    ///
    /// # Errors
    /// What the store reports; [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) above all.
    pub async fn load_from_connection<'h>(
        &self,
        cookies: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Session> {
        let shared = self.untouched();
        self.load_into(&shared, self.candidates(cookies)).await?;
        Ok(Session::new(shared))
    }

    /// Finds our cookie among all others.
    pub(crate) fn candidates<'h>(&self, cookies: impl IntoIterator<Item = &'h [u8]>) -> Candidates {
        let config = self.config();
        candidates(
            cookies.into_iter(),
            config.cookie.finder(),
            config.session_id_bytes,
            config.id_format,
        )
    }

    /// Loads once; later and concurrent calls wait for the first.
    pub(crate) async fn load_into(&self, shared: &Shared, found: Candidates) -> Result<()> {
        let turn = shared.turn.try_lock();
        let _turn = match turn {
            Ok(turn) => turn,
            Err(_) => Box::pin(shared.turn.lock()).await,
        };
        {
            let state = shared.state();
            if state.used {
                return Ok(());
            }
            if state.phase != Phase::Open {
                return Err(Error::new(
                    ErrorKind::Closed,
                    "the session was first used after its response was committed; use it before",
                ));
            }
        }
        let loaded = match found {
            Candidates::None => Err(Absence::NoCookie),
            Candidates::Malformed => Err(Absence::Malformed),
            Candidates::TooMany => Err(Absence::Ambiguous),
            Candidates::One(id) => {
                let found = self.find(&id, self.config().renew_on_access).await?;
                if let Err(Absence::Reused) = found {
                    Box::pin(self.end_reused(id.handle())).await?;
                }
                found.map(|found| found.held_by(id))
            }
            Candidates::Several(ids) => Box::pin(self.choose(ids)).await?,
        };
        self.fill(&mut shared.state(), loaded);
        Ok(())
    }

    fn fill(&self, state: &mut State, loaded: Result<Live, Absence>) {
        state.used = true;
        match loaded {
            Ok(live) => {
                let config = self.config();
                let now = live.at;
                state.draft = Draft::over(Some(live.record.data()));
                state.wanted.rotate =
                    !live.in_grace && rotation_due(&live.record, config.rotate_every, now);
                let renewed = config.renew_on_access
                    && live.record.idle_deadline() == now.plus(live.record.max_age());
                if live.in_grace || renewed && !live.record.is_browser_session() {
                    state.cookie = CookieChange::Unconfirmed { at: now, first: false };
                }
                state.id = Some(live.id);
                state.record = Some(live.record);
            }
            Err(absence) => {
                self.note_absence(absence);
                state.absence = Some(absence);
            }
        }
    }

    fn note_absence(&self, absence: Absence) {
        let tally = self.0.tallies.of(absence);
        let total = tally.count();
        if tracing::enabled!(tracing::Level::DEBUG) && tally.is_said(self.now()) {
            tracing::debug!(absence = absence.name(), total, "request without a session");
        }
    }

    /// The live one among several, if it is one alone, renewed if that is due.
    async fn choose(&self, ids: Vec<SessionId>) -> Result<Result<Live, Absence>> {
        let live = match self.only_live(ids).await? {
            Ok(live) if self.config().renew_on_access && !live.in_grace => live,
            other => return Ok(other),
        };
        let renewal = Renewal::new(live.record.secret_hash(), self.config().renew_every);
        if renewal.due(&live.record, live.at).is_none() {
            return Ok(Ok(live));
        }
        Ok(self.find(&live.id, true).await?.map(|found| found.held_by(live.id)))
    }

    /// The live one among several, if it is one alone. None is renewed before that is known.
    async fn only_live(&self, ids: Vec<SessionId>) -> Result<Result<Live, Absence>> {
        let mut live: Option<Live> = None;
        let mut absence = None;
        for id in ids {
            let handle = id.handle();
            match self.find(&id, false).await?.map(|found| found.held_by(id)) {
                Ok(found) => match &live {
                    None => live = Some(found),
                    // The cookies before and after a rotation select one session, not two.
                    Some(other) if other.id.is(&found.id) => {
                        if !found.in_grace {
                            live = Some(found);
                        }
                    }
                    Some(_) => return Ok(Err(Absence::Ambiguous)),
                },
                Err(why) => {
                    if why == Absence::Reused {
                        self.end_reused(handle).await?;
                    }
                    absence = absence.or(Some(why));
                }
            }
        }
        Ok(live.ok_or(absence.unwrap_or(Absence::Unknown)))
    }

    async fn find(&self, id: &SessionId, renew: bool) -> Result<Result<Found, Absence>> {
        let now = self.now();
        let renewal = Renewal::new(id.secret_hash(), self.config().renew_every);
        let key = id.handle();
        let (store, renew) = (self.erased(), renew.then_some(&renewal));
        let call = match store.dyn_whole_ids() {
            None => store.dyn_load(key, renew, now),
            Some(store) => Call::Waits(store.load_by_id(id, renew, now)),
        };
        let lookup = self.bounded(call).await;
        let record = match lookup {
            Ok(Lookup::Live(record)) if !record.is_expired(now) => record,
            Ok(Lookup::Live(_)) => return Ok(Err(Absence::Expired)),
            Ok(Lookup::Absent(why)) => return Ok(Err(why.into())),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                // An operator must see it; for the visitor it is no session, not an error for ever.
                let total = self.0.tallies.corrupt.count();
                if self.0.tallies.corrupt.is_said(now) {
                    let store = self.store().name();
                    tracing::warn!(store, handle = %key, total, "record cannot be read");
                }
                return Ok(Err(Absence::Unknown));
            }
            Err(error) => return Err(error),
        };
        Ok(self.judged(id, renewal.secret_hash(), record, now))
    }

    /// What `id`, whose hash is `hash`, selects if `record` is what is under its handle.
    pub(super) fn judged(
        &self,
        id: &SessionId,
        hash: SecretHash,
        record: Record,
        now: UnixMillis,
    ) -> Result<Found, Absence> {
        match judge(&record, hash, now) {
            Verdict::Current => Ok(Found { record, successor: None, at: now }),
            Verdict::InGrace(previous) => {
                let successor = id.successor(&previous.nonce);
                if successor.secret_hash() != record.secret_hash() {
                    return Err(Absence::Unknown);
                }
                Ok(Found { record, successor: Some(Box::new(successor)), at: now })
            }
            Verdict::Reused => Err(Absence::Reused),
            Verdict::Unknown => Err(Absence::Unknown),
        }
    }

    /// Ends a session whose old secret a browser presented after its grace: somebody kept a copy.
    ///
    /// Only for a cookie that just came in. A request or socket of our own that outlasted the grace holds an
    /// old secret too, and is no thief.
    async fn end_reused(&self, handle: SessionHandle) -> Result<()> {
        tracing::warn!(%handle, "old session secret presented after its grace; session ended");
        self.end(handle, Ended::Reused).await.map(drop)
    }

    /// The session of `id` as it is now, if `id` is still accepted.
    pub(super) async fn load_again(&self, id: &SessionId) -> Result<Option<Live>> {
        Ok(self.find(id, false).await?.ok().map(|found| found.held_by(id.clone())))
    }

    pub(crate) async fn reload(&self, shared: &Shared) -> Result<()> {
        // Beside a save, what that carries would be seen neither as a change nor in the store.
        let _in_order = shared.turn.lock().await;
        let Some(id) = shared.state().id.clone() else { return Ok(()) };
        let live = self.load_again(&id).await?.ok_or_else(gone)?;
        let encoding = self.encoding_for(Some(&live.record));
        let data = live.record.data();
        {
            let mut state = shared.state();
            if state.id.is_none() {
                // Destroyed meanwhile, by a clone of this handle.
                return Ok(());
            }
            if live.in_grace {
                // Another request rotated. A second rotation, or this request's old ID in a cookie, would shut
                // out whoever got the new one.
                state.wanted.rotate = false;
                if state.phase == Phase::Open {
                    state.cookie = CookieChange::Unconfirmed { at: live.at, first: false };
                }
            }
            state.id = Some(live.id);
            state.record = Some(live.record);
        }
        shared.rebase(Some(&data), encoding)
    }
}

pub(super) fn gone() -> Error {
    Error::new(
        ErrorKind::Gone,
        "the session has ended, or its ID was changed by another request; its changes were dropped",
    )
}
