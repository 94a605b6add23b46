//! Sessions outside a request: list them, count them, end them.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::join_all;

use super::ServerSideSessionBackend;
use crate::config::SubjectLimitPolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionHandle;
use crate::record::Record;
use crate::session::{Absence, Session};
use crate::store::{Call, Directory, Ended, Store};
use crate::time::UnixMillis;

/// Expired records removed at once, so that no store is held for long.
const EXPIRED_BATCH: usize = 1000;

/// Sessions of a subject that are ended at once, so that many take no longer than a few.
const ENDED_AT_ONCE: usize = 16;

/// What an operator or a "your devices" page does with sessions.
///
/// Handles are public names: whoever may call this may end sessions, but learns nothing to sign in with.
#[derive(Debug, Clone)]
pub struct Sessions {
    backend: ServerSideSessionBackend,
}

/// One session of a list.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The public name.
    pub handle: SessionHandle,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When the subject last signed in.
    pub authenticated_at: Option<UnixMillis>,
    /// When it was last written, or used with renewal on; exact to `renew_every`.
    pub last_seen_at: UnixMillis,
    /// When it ends if it is left alone.
    pub expires_at: UnixMillis,
    /// Who is signed in.
    pub subject: Option<String>,
    /// What the application noted. Text from outside: escape it where it is shown.
    pub labels: BTreeMap<String, String>,
}

impl SessionInfo {
    fn new(handle: SessionHandle, record: &Record) -> Self {
        Self {
            handle,
            created_at: record.created_at(),
            authenticated_at: record.authenticated_at(),
            last_seen_at: record.last_seen_at(),
            expires_at: record.expires_at(),
            subject: record.subject().map(str::to_owned),
            labels: record
                .labels()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// Prints the handle and times, not who it is: a list that is logged would be a list of people.
impl fmt::Debug for SessionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionInfo")
            .field("handle", &self.handle)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("signed_in", &self.subject.is_some())
            .finish_non_exhaustive()
    }
}

impl Sessions {
    pub(super) fn new(backend: ServerSideSessionBackend) -> Self {
        Self { backend }
    }

    pub(super) fn backend(&self) -> &ServerSideSessionBackend {
        &self.backend
    }

    /// The live sessions of a subject, oldest first.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store has no directory; otherwise what the store reports.
    pub async fn of(&self, subject: &str) -> Result<Vec<SessionInfo>> {
        let records = self.backend.by_subject(subject).await?;
        Ok(records.iter().map(|(handle, record)| SessionInfo::new(*handle, record)).collect())
    }

    /// Up to `limit` live sessions with handles after `after`, sorted by handle; an empty page is the end.
    ///
    /// For a list that is shown page by page; [`all`](Self::all) walks over the pages by itself.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub async fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
    ) -> Result<Vec<SessionInfo>> {
        let backend = &self.backend;
        let mut after = after;
        loop {
            let page = backend.directory()?.page(after, limit, backend.now());
            let mut page = backend.bounded(Call::Waits(page)).await?;
            after = page.last().map(|(last, _)| *last);
            let empty = page.is_empty();
            page.retain(|(handle, _)| !ServerSideSessionBackend::is_lease(*handle));
            // A page of nothing but the lease is not the end.
            if empty || !page.is_empty() {
                let info = |(handle, record): &(_, _)| SessionInfo::new(*handle, record);
                return Ok(page.iter().map(info).collect());
            }
        }
    }

    /// The number of live sessions. Two calls to the store: the lease of a [cleanup](Self::clean_up_every) is no
    /// session.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub async fn count(&self) -> Result<u64> {
        let backend = &self.backend;
        let records =
            backend.bounded(Call::Waits(backend.directory()?.count(backend.now()))).await?;
        Ok(records.saturating_sub(backend.leases().await?))
    }

    /// How many requests came without a session for this reason, since the backend was made.
    ///
    /// Exact: every request that used its session is counted, also where no event is logged. Of each reason
    /// ten events a second are, at `DEBUG` and with this number, so that a flood of broken cookies does not
    /// fill the log; see [`Absence`].
    pub fn absences(&self, why: Absence) -> u64 {
        self.backend.0.tallies.of(why).total()
    }

    /// Ends a session; whether there was one.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn revoke(&self, handle: SessionHandle) -> Result<bool> {
        self.backend.end(handle, Ended::Revoked).await
    }

    /// Ends a session if it is one of the subject's; whether it was.
    ///
    /// For a "your devices" page: a handle is public, so whose it is must be known first.
    ///
    /// # Errors
    /// As [`of`](Self::of). Call it again then, which also makes sure that the session stays ended if its end was not
    /// confirmed.
    pub async fn revoke_of(&self, subject: &str, handle: SessionHandle) -> Result<bool> {
        let own = self.backend.by_subject(subject).await?.iter().any(|(own, _)| *own == handle);
        if own {
            return self.revoke(handle).await;
        }
        self.backend.confirm_ends(subject).await?;
        Ok(false)
    }

    /// Ends all sessions of a subject; how many.
    ///
    /// Every session whose sign-in was acknowledged before this call is dead after it. Sixteen at a time are ended; if the
    /// future is dropped, some may have ended.
    ///
    /// # Errors
    /// As [`of`](Self::of). All have been tried then, and some may have ended; call it again, which also makes sure that those
    /// stay so whose end was not confirmed.
    pub async fn revoke_all(&self, subject: &str) -> Result<u64> {
        self.revoke_except(subject, None).await
    }

    /// Ends all sessions of the subject of `session` but that one; how many. None if nobody is signed in.
    ///
    /// # Errors
    /// As [`revoke_all`](Self::revoke_all).
    pub async fn revoke_others(&self, session: &Session) -> Result<u64> {
        match session.subject() {
            Some(subject) => self.revoke_except(&subject, session.handle()).await,
            None => Ok(0),
        }
    }

    /// Removes what has expired, in batches; how many records.
    ///
    /// Correctness does not need it: an expired session is no session, removed or not.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn delete_expired(&self) -> Result<u64> {
        let backend = &self.backend;
        let mut total = 0;
        loop {
            let sweep = backend.erased().dyn_delete_expired(EXPIRED_BATCH, backend.now());
            let removed = backend.bounded(sweep).await?;
            total += removed as u64;
            if removed < EXPIRED_BATCH {
                return Ok(total);
            }
        }
    }

    async fn revoke_except(&self, subject: &str, keep: Option<SessionHandle>) -> Result<u64> {
        let mut found = self.backend.by_subject(subject).await?;
        found.retain(|(handle, _)| Some(*handle) != keep);
        let mut ended = Vec::with_capacity(found.len());
        for some in found.chunks(ENDED_AT_ONCE) {
            ended.extend(join_all(some.iter().map(|(handle, _)| self.revoke(*handle))).await);
        }
        let ended: Vec<bool> = ended.into_iter().collect::<Result<_>>()?;
        let revoked = ended.into_iter().filter(|was_live| *was_live).count() as u64;
        self.backend.confirm_ends(subject).await?;
        Ok(revoked)
    }
}

impl ServerSideSessionBackend {
    fn directory(&self) -> Result<&dyn Directory> {
        self.store().directory().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "the store cannot list sessions; use one with a directory",
            )
            .with_store(self.store().name())
        })
    }

    /// Oldest sign-in first; the handle decides between two of one millisecond, so that all agree.
    async fn by_subject(&self, subject: &str) -> Result<Vec<(SessionHandle, Record)>> {
        let mut found =
            self.bounded(Call::Waits(self.directory()?.by_subject(subject, self.now()))).await?;
        found.sort_by_key(|(handle, record)| (record.authenticated_at(), *handle));
        Ok(found)
    }

    /// Sessions that a call before has ended, and failed all the same, are in no list.
    async fn confirm_ends(&self, subject: &str) -> Result<()> {
        let confirmed = self.directory()?.confirm_ends(subject, self.now());
        self.bounded(Call::Waits(confirmed)).await
    }

    pub(super) async fn end(&self, handle: SessionHandle, why: Ended) -> Result<bool> {
        self.bounded(self.erased().dyn_delete(handle, why, self.now())).await
    }

    /// Before a sign-in is stored: whether the policy refuses it already.
    ///
    /// Nothing has been written then: the visitor keeps the session they had, and no sign-in that is given up
    /// half-way is one too many.
    pub(super) async fn admit_subject(
        &self,
        subject: &str,
        own: Option<SessionHandle>,
    ) -> Result<()> {
        let config = self.config();
        let (Some(limit), SubjectLimitPolicy::Refuse) =
            (config.max_sessions_per_subject, config.subject_limit_policy)
        else {
            return Ok(());
        };
        let all = self.by_subject(subject).await?;
        let others = all.iter().filter(|(handle, _)| Some(*handle) != own).count();
        if others < limit { Ok(()) } else { Err(too_many_sessions(limit)) }
    }

    /// After a sign-in was stored: keeps the subject within its number of sessions.
    ///
    /// Looked at afterwards, so that of racing sign-ins the last sees all the others.
    pub(super) async fn enforce_subject_limit(
        &self,
        record: &Record,
        own: SessionHandle,
    ) -> Result<()> {
        let config = self.config();
        let (Some(limit), Some(subject)) = (config.max_sessions_per_subject, record.subject())
        else {
            return Ok(());
        };
        let mut others = self.by_subject(subject).await?;
        others.retain(|(handle, _)| *handle != own);
        let excess = (others.len() + 1).saturating_sub(limit);
        if excess == 0 {
            return Ok(());
        }
        match config.subject_limit_policy {
            // Never its own session, whatever the clocks of other nodes say: an answer must not hand out an ID
            // that is dead. Racing sign-ins may end one another, and keep within the limit all the same.
            SubjectLimitPolicy::EvictOldest => {
                for (handle, _) in &others[..excess.min(others.len())] {
                    self.end(*handle, Ended::Revoked).await?;
                }
                Ok(())
            }
            // With any excess, so that no order of racing sign-ins lets one too many in.
            SubjectLimitPolicy::Refuse => {
                self.end(own, Ended::Revoked).await?;
                Err(too_many_sessions(limit))
            }
        }
    }
}

fn too_many_sessions(limit: usize) -> Error {
    Error::new(
        ErrorKind::SubjectLimit,
        format!("the subject has {limit} sessions already; end one first"),
    )
}
