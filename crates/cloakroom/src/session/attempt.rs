//! A write on its way, and what is left of it when nobody learned what became of it.

use crate::id::SessionId;
use crate::record::{Record, Revision};
use crate::session::state::Wanted;
use crate::time::UnixMillis;

/// The next version of a session.
#[derive(Clone)]
pub(crate) struct Next {
    pub(crate) record: Record,
    /// The ID that is accepted from then on.
    pub(crate) id: SessionId,
    /// Whether the browser must be told: the ID or the cookie's lifetime changed.
    pub(crate) cookie: bool,
    /// When it was decided.
    pub(crate) at: UnixMillis,
    /// Whether the session is left with neither data nor subject, and ends.
    pub(crate) ends: bool,
}

/// A write that was sent, and may or may not have been stored: its reply was lost for good, or the future that
/// waited for it was dropped.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) next: Next,
    /// The record that it was to replace; `None` if it was to create one.
    pub(crate) replaces: Option<Record>,
    /// The wishes that it fulfils, if it was stored.
    pub(crate) wanted: Wanted,
    /// The changes of data up to here are in it.
    pub(crate) generation: u64,
}

impl Attempt {
    /// Whether it would have changed the secret, so that the record tells for ever whether it was stored.
    pub(crate) fn changes_secret(&self) -> bool {
        let old = self.replaces.as_ref().map(Record::secret_hash);
        old != Some(self.next.record.secret_hash())
    }

    pub(crate) fn replaced_revision(&self) -> Option<Revision> {
        self.replaces.as_ref().map(Record::revision)
    }
}
