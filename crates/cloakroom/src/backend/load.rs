//! From cookies to a session.

use std::sync::Arc;

use super::ServerSideSessionBackend;
use crate::cookie::{Candidates, candidates};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionId;
use crate::lifetime::{Verdict, judge, rotation_due};
use crate::record::Record;
use crate::session::draft::Draft;
use crate::session::state::{CookieChange, Phase, Shared, State};
use crate::session::{Absence, Session};
use crate::store::{Ended, Lookup, Renewal, Store};
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

impl ServerSideSessionBackend {
    /// A session that has not looked at any cookie; it does so in [`load_into`](Self::load_into).
    pub(crate) fn untouched(&self) -> Arc<Shared> {
        Shared::new(self.clone(), State::default())
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
        self.load_into(&shared, cookies).await?;
        Ok(Session::new(shared))
    }

    /// Loads once; later and concurrent calls wait for the first.
    pub(crate) async fn load_into<'h>(
        &self,
        shared: &Shared,
        cookies: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<()> {
        if shared.loaded.initialized() {
            return Ok(());
        }
        if shared.state().phase != Phase::Open {
            return Err(Error::new(
                ErrorKind::Closed,
                "the session was first used after its response was committed; use it before",
            ));
        }
        // Parsed before the first await, so that the headers are not held across it.
        let config = self.config();
        let found = candidates(
            cookies.into_iter(),
            config.cookie.name().as_bytes(),
            config.session_id_bytes,
            config.id_format,
        );
        shared
            .loaded
            .get_or_try_init(|| async {
                let loaded = self.resolve(found).await?;
                self.fill(&mut shared.state(), loaded);
                Ok(())
            })
            .await
            .copied()
    }

    fn fill(&self, state: &mut State, loaded: Result<Live, Absence>) {
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
                    state.cookie = CookieChange::Unconfirmed(now);
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

    async fn resolve(&self, found: Candidates) -> Result<Result<Live, Absence>> {
        let ids = match found {
            Candidates::None => return Ok(Err(Absence::NoCookie)),
            Candidates::Malformed => return Ok(Err(Absence::Malformed)),
            Candidates::TooMany => return Ok(Err(Absence::Ambiguous)),
            Candidates::Ids(ids) => ids,
        };
        // Among several cookies none is renewed before it is known that one alone is live.
        let renew = self.config().renew_on_access && ids.len() == 1;
        let mut live: Option<Live> = None;
        let mut absence = None;
        for id in ids.iter() {
            match self.find(id, renew).await? {
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
                        self.end_reused(id).await?;
                    }
                    absence = absence.or(Some(why));
                }
            }
        }
        Ok(live.ok_or(absence.unwrap_or(Absence::Unknown)))
    }

    async fn find(&self, id: &SessionId, renew: bool) -> Result<Result<Live, Absence>> {
        let now = self.now();
        let hash = id.secret_hash();
        let renewal = renew.then(|| Renewal::new(hash, self.config().renew_every));
        let key = id.handle();
        let lookup = self.bounded(self.erased().dyn_load(key, renewal.as_ref(), now)).await;
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
        match judge(&record, hash, now) {
            Verdict::Current => Ok(Ok(Live { id: id.clone(), record, in_grace: false, at: now })),
            Verdict::InGrace(previous) => {
                let id = id.successor(&previous.nonce);
                if id.secret_hash() != record.secret_hash() {
                    return Ok(Err(Absence::Unknown));
                }
                Ok(Ok(Live { id, record, in_grace: true, at: now }))
            }
            Verdict::Reused => Ok(Err(Absence::Reused)),
            Verdict::Unknown => Ok(Err(Absence::Unknown)),
        }
    }

    /// Ends a session whose old secret a browser presented after its grace: somebody kept a copy.
    ///
    /// Only for a cookie that just came in. A request or socket of our own that outlasted the grace holds an
    /// old secret too, and is no thief.
    async fn end_reused(&self, id: &SessionId) -> Result<()> {
        let handle = id.handle();
        tracing::warn!(%handle, "old session secret presented after its grace; session ended");
        self.end(handle, Ended::Reused).await.map(drop)
    }

    /// The session of `id` as it is now, if `id` is still accepted.
    pub(super) async fn load_again(&self, id: &SessionId) -> Result<Option<Live>> {
        Ok(self.find(id, false).await?.ok())
    }

    pub(crate) async fn reload(&self, shared: &Shared) -> Result<()> {
        let Some(id) = shared.state().id.clone() else { return Ok(()) };
        let record = self.load_again(&id).await?.ok_or_else(gone)?.record;
        let encoding = self.encoding_for(Some(&record));
        let data = record.data();
        shared.state().record = Some(record);
        shared.rebase(Some(&data), encoding)
    }
}

pub(super) fn gone() -> Error {
    Error::new(
        ErrorKind::Gone,
        "the session has ended, or its ID was changed by another request; its changes were dropped",
    )
}
