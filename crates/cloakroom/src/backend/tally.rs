//! What browsers cause: counted to the last one, said a few times a second.
//!
//! Whoever sends broken cookies by the thousand must not fill the disk with our log of it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::rate::Rate;
use crate::session::Absence;
use crate::time::UnixMillis;

/// Events of one reason that are said in a second.
const SAID_PER_SECOND: u32 = 10;

/// How often one thing happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    total: AtomicU64,
    said: Rate,
}

impl Tally {
    /// Counts one more; the number so far.
    pub(super) fn count(&self) -> u64 {
        self.total.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether the one that was counted is to be said.
    pub(super) fn is_said(&self, now: UnixMillis) -> bool {
        self.said.admits(SAID_PER_SECOND, now)
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// A tally for each thing that is counted.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    absences: [Tally; Absence::COUNT],
    pub(super) corrupt: Tally,
}

impl Tallies {
    pub(super) fn of(&self, absence: Absence) -> &Tally {
        &self.absences[absence as usize]
    }
}
