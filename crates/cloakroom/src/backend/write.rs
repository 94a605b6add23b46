//! The writes of a commit: to create, or to compare and set, and to replay on a conflict.

use super::ServerSideSessionBackend;
use super::work::{Work, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::session::attempt::Next;
use crate::session::state::Wanted;
use crate::store::{Created, Store, Updated};
use crate::time::UnixMillis;

/// How often a commit is tried when others keep winning.
const MAX_ATTEMPTS: usize = 100;
/// How often a new ID is drawn when its handle is taken.
const MAX_CREATES: usize = 3;

impl ServerSideSessionBackend {
    /// Whoever signs in has shown who they are; the flood to fear is of visitors who have not.
    pub(super) fn admit_creation(&self, wanted: &Wanted, now: UnixMillis) -> Result<()> {
        match self.config().max_creations_per_second {
            Some(limit) if wanted.sign_in.is_none() && !self.0.creations.admits(limit, now) => {
                Err(too_many_creations(limit))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a sign-in too many before anything is written.
    pub(super) async fn admit_sign_in(&self, work: &mut Work<'_>) -> Result<()> {
        let Some(subject) = &work.wanted.sign_in else { return Ok(()) };
        let own = work.replaces.as_ref().map(|_| work.next.id.handle());
        self.admit_subject(subject, own).await
    }

    pub(super) async fn create(&self, work: &mut Work<'_>) -> Result<Written> {
        for attempt in 0..MAX_CREATES {
            if attempt > 0 {
                work.begin_again(self.plan_new(&work.draft, &work.wanted, self.now())?);
            }
            work.sent = true;
            let next = &work.next;
            match self.try_create(&next.id, &next.record, next.at).await? {
                Created::Created => return self.stored(work).await,
                Created::Occupied => work.sent = false,
            }
        }
        Err(Error::new(
            ErrorKind::Random,
            "three new session IDs in a row were taken; the operating system's randomness repeats itself",
        )
        .with_store(self.store().name()))
    }

    pub(super) async fn replace(&self, work: &mut Work<'_>) -> Result<Written> {
        match self.try_replace(work).await? {
            Updated::Updated => self.stored(work).await,
            Updated::Gone => Ok(Written::Lost),
            Updated::Conflict if work.earlier.is_some() => Ok(Written::Unclear),
            // Boxed, as it seldom happens.
            Updated::Conflict => Box::pin(self.replay(work)).await,
        }
    }

    async fn try_replace(&self, work: &mut Work<'_>) -> Result<Updated> {
        let Some(expected) = work.replaces.as_ref().map(crate::Record::revision) else {
            return Ok(Updated::Gone);
        };
        work.sent = true;
        let next = &work.next;
        let updated = self.try_update(&next.id, &next.record, expected, next.at).await?;
        if updated == Updated::Conflict {
            work.sent = false;
        }
        Ok(updated)
    }

    async fn stored(&self, work: &mut Work<'_>) -> Result<Written> {
        if work.wanted.sign_in.is_some() {
            let next = &work.next;
            Box::pin(self.enforce_subject_limit(&next.record, next.id.handle())).await?;
        }
        Ok(Written::Stored)
    }

    /// Applies the changes to what others have stored meanwhile, until they are stored.
    async fn replay(&self, work: &mut Work<'_>) -> Result<Written> {
        let Some(mut id) = work.shared.state().id.clone() else { return Ok(Written::Lost) };
        // Whoever lost once waits its turn, so that fifty writers cost a hundred and fifty trips and not a thousand.
        let mut turn = self.queue(id.handle()).lock_owned().await;
        let mut converged = false;
        for _ in 1..MAX_ATTEMPTS {
            let now = self.now();
            // What the writer before has stored needs no trip, and if it is no longer so, the store will say it.
            let known =
                turn.take().and_then(|record| self.judged(&id, id.secret_hash(), record, now).ok());
            let fresh = match known {
                Some(known) => known.held_by(id),
                // The secret is judged again: a request from before a sign-in must not write into it.
                None => match self.load_again(&id).await? {
                    Some(fresh) => fresh,
                    None => return Ok(Written::Lost),
                },
            };
            if fresh.in_grace {
                // Another request rotated first; everyone who held the old secret derives the same new one.
                work.wanted.rotate = false;
                converged = true;
            }
            let record = fresh.record;
            id = fresh.id;
            work.draft.rebase(Some(record.data()), record.data().encoding())?;
            if converged && !work.draft.is_changed() && !work.wanted.changes_record() {
                work.next = Next { record, id, cookie: true, at: now, ends: false };
                return Ok(Written::Stored);
            }
            work.next = self.plan_change(&record, &id, &work.draft, &work.wanted, now)?;
            work.next.cookie |= converged;
            work.replaces = Some(record);
            match self.try_replace(work).await? {
                Updated::Updated => {
                    *turn = Some(work.next.record.clone()).filter(|_| !work.next.ends);
                    return self.stored(work).await;
                }
                Updated::Gone => return Ok(Written::Lost),
                Updated::Conflict => {}
            }
        }
        Err(contended().with_store(self.store().name()))
    }
}

fn too_many_creations(limit: u32) -> Error {
    Error::new(
        ErrorKind::TooManyCreations,
        format!(
            "more than {limit} new anonymous sessions in a second; raise `max_creations_per_second`, or limit requests in front"
        ),
    )
}

fn contended() -> Error {
    Error::new(
        ErrorKind::Contended,
        "other requests kept changing the same session; try again, or write it less often",
    )
}
