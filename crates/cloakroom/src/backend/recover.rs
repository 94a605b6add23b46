//! Writes whose reply was lost.
//!
//! A write that timed out may have happened, may yet happen, or may never happen. Each carries a revision of
//! its own, so a look at the record tells; and repeating it with the same revisions cannot apply it twice.

use super::ServerSideSessionBackend;
use crate::error::{Error, Result};
use crate::id::{SessionHandle, SessionId};
use crate::record::{Record, Revision};
use crate::store::{Call, Created, Lookup, Updated};
use crate::time::UnixMillis;

impl ServerSideSessionBackend {
    pub(super) async fn try_create(
        &self,
        id: &SessionId,
        record: &Record,
        now: UnixMillis,
    ) -> Result<Created> {
        match self.bounded(self.create_at(id, record, now)).await {
            // Boxed, as it seldom happens.
            Err(lost) if lost.is_temporary() => {
                Box::pin(self.recover_create(id, record, now, lost)).await
            }
            outcome => outcome,
        }
    }

    async fn recover_create(
        &self,
        id: &SessionId,
        record: &Record,
        now: UnixMillis,
        lost: Error,
    ) -> Result<Created> {
        match self.revision_of(id.handle(), now).await {
            Some(Some(revision)) if revision == record.revision() => Ok(Created::Created),
            Some(Some(_)) => Ok(Created::Occupied),
            Some(None) => {
                let again = self.create_at(id, record, now);
                match self.bounded(again).await? {
                    // Our first attempt may have arrived after the look.
                    Created::Occupied
                        if self.revision_of(id.handle(), now).await
                            == Some(Some(record.revision())) =>
                    {
                        Ok(Created::Created)
                    }
                    outcome => Ok(outcome),
                }
            }
            None => Err(lost),
        }
    }

    pub(super) async fn try_update(
        &self,
        id: &SessionId,
        next: &Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        match self.bounded(self.update_at(id, next, expected, now)).await {
            // Boxed, as it seldom happens.
            Err(lost) if lost.is_temporary() => {
                Box::pin(self.recover_update(id, next, expected, now, lost)).await
            }
            outcome => outcome,
        }
    }

    async fn recover_update(
        &self,
        id: &SessionId,
        next: &Record,
        expected: Revision,
        now: UnixMillis,
        lost: Error,
    ) -> Result<Updated> {
        match self.revision_of(id.handle(), now).await {
            Some(found) if found == expected_after(next, now) => Ok(Updated::Updated),
            Some(Some(revision)) if revision == expected => {
                let again = self.update_at(id, next, expected, now);
                match self.bounded(again).await? {
                    Updated::Conflict
                        if self.revision_of(id.handle(), now).await
                            == Some(Some(next.revision())) =>
                    {
                        Ok(Updated::Updated)
                    }
                    outcome => Ok(outcome),
                }
            }
            Some(None) => Ok(Updated::Gone),
            // Somebody else wrote since, on top of ours or instead of it: to replay could apply it twice.
            Some(Some(_)) | None => Err(lost),
        }
    }

    fn create_at<'a>(
        &'a self,
        id: &'a SessionId,
        record: &Record,
        now: UnixMillis,
    ) -> Call<'a, Created> {
        let store = self.erased();
        match store.dyn_whole_ids() {
            None => store.dyn_create(id.handle(), record.clone(), now),
            Some(store) => Call::Waits(store.create_by_id(id, record.clone(), now)),
        }
    }

    fn update_at<'a>(
        &'a self,
        id: &'a SessionId,
        next: &Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Call<'a, Updated> {
        let store = self.erased();
        match store.dyn_whole_ids() {
            None => store.dyn_update(id.handle(), next.clone(), expected, now),
            Some(store) => Call::Waits(store.update_by_id(id, next.clone(), expected, now)),
        }
    }

    /// The revision of the live record, or none; nothing at all if the store does not say.
    async fn revision_of(
        &self,
        handle: SessionHandle,
        now: UnixMillis,
    ) -> Option<Option<Revision>> {
        let lookup: Result<Lookup, Error> =
            self.bounded(self.erased().dyn_load(handle, None, now)).await;
        match lookup.ok()? {
            Lookup::Live(record) => Some(Some(record.revision())),
            Lookup::Absent(_) => Some(None),
        }
    }
}

/// What a look finds if `next` was stored: nothing, if it was stored to end the session.
fn expected_after(next: &Record, now: UnixMillis) -> Option<Revision> {
    (!next.is_expired(now)).then(|| next.revision())
}
