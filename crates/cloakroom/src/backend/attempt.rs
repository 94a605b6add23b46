//! Writes that nobody waited for to the end.
//!
//! A `save` that was dropped or failed leaves its changes in the session, to be stored by the next. But it may
//! have been stored already, and then to do it again would count twice, and the new ID that it gave would never
//! be told. So the next commit looks first. `recover` does the same within one commit.

use super::ServerSideSessionBackend;
use super::commit::Outcome;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;
use crate::session::attempt::{Attempt, Next};
use crate::session::state::Shared;
use crate::store::{Lookup, Store};

/// What became of an attempt.
enum Arrived {
    /// It was stored; the session as it is now.
    Yes(Record),
    /// The record is as it was; the write may still be on its way.
    NotYet(Record),
    /// It never will be, or it makes no difference.
    No,
}

impl ServerSideSessionBackend {
    /// Finds out what became of an earlier attempt, if there is one, and takes what it stored out of the changes.
    ///
    /// Until that is known the attempt stays where it is, so that this may be dropped as well.
    pub(super) async fn settle_attempt(&self, shared: &Shared) -> Result<()> {
        let Some(attempt) = shared.state().attempt.as_deref().cloned() else { return Ok(()) };
        let repeatable = shared.state().draft.is_repeatable(attempt.generation);
        let record = match self.look_for(&attempt, repeatable).await? {
            Arrived::Yes(record) => record,
            // It stays: if the next write meets a conflict, this is looked at again.
            Arrived::NotYet(found) => {
                // A replay may have gone on to what another request stored: from the record before that, every
                // further write would meet a conflict and come back here.
                let mut state = shared.state();
                match &mut state.record {
                    Some(known) if known.secret_hash() != found.secret_hash() => {
                        return Err(self.unknowable());
                    }
                    Some(known) => *known = found,
                    // Destroyed meanwhile.
                    None => {}
                }
                return Ok(());
            }
            Arrived::No => {
                shared.state().attempt = None;
                return Ok(());
            }
        };
        if attempt.wanted.sign_in.is_some() {
            self.enforce_subject_limit(&record, attempt.next.id.handle()).await?;
        }
        {
            let mut state = shared.state();
            state.attempt = None;
            state.draft.forget(attempt.generation);
            state.wanted.subtract(&attempt.wanted);
        }
        let session = attempt.next.id.handle();
        self.settle(shared, session, Outcome::Stored(Next { record, ..attempt.next }))
    }

    /// `repeatable` says that to store the same changes again would make no difference.
    async fn look_for(&self, attempt: &Attempt, repeatable: bool) -> Result<Arrived> {
        let (next, handle, now) = (&attempt.next, attempt.next.id.handle(), self.now());
        let found = match self.bounded(self.erased().dyn_load(handle, None, now)).await? {
            Lookup::Live(record) => record,
            Lookup::Absent(_) if next.ends => return Ok(Arrived::Yes(next.record.clone())),
            Lookup::Absent(_) => return Ok(Arrived::No),
        };
        let is_ours = found.revision() == next.record.revision()
            || attempt.changes_secret() && found.secret_hash() == next.record.secret_hash();
        if is_ours {
            return Ok(Arrived::Yes(found));
        }
        if Some(found.revision()) == attempt.replaced_revision() {
            return Ok(Arrived::NotYet(found));
        }
        if attempt.changes_secret() || repeatable {
            return Ok(Arrived::No);
        }
        // Somebody else wrote since, on top of ours or instead of it.
        Err(self.unknowable())
    }

    fn unknowable(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            "an earlier save may or may not have been stored, and another request wrote since; begin again",
        )
        .with_store(self.store().name())
    }
}
