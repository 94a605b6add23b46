//! The counts of one row.

use cloakroom_bench::rows::Row;
use serde::{Deserialize, Serialize};

use crate::callgrind;
use crate::calls::{COUNTED, Candidate};

/// Runs of each candidate; the median counts.
pub(crate) const RUNS: usize = 3;

/// Instructions of the mean call.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Counts {
    pub(crate) bare: u64,
    pub(crate) cloakroom: u64,
    /// The part of `cloakroom` that is SHA-256.
    pub(crate) sha256: u64,
    pub(crate) tower_sessions: u64,
}

impl Counts {
    pub(crate) fn added(self) -> u64 {
        self.cloakroom - self.bare
    }

    pub(crate) fn added_by_peer(self) -> u64 {
        self.tower_sessions - self.bare
    }
}

/// Counts a row, and tells by how much our own count varied from run to run.
pub(crate) fn of(row: &Row) -> (Counts, u64) {
    let [bare, ours, peer] =
        [Candidate::Bare, Candidate::Cloakroom, Candidate::TowerSessions].map(|candidate| {
            let mut runs = [(); RUNS].map(|()| callgrind::run(row, candidate));
            runs.sort_unstable_by_key(|run| run.total);
            runs
        });
    let a_call = |count: u64| (count + COUNTED / 2) / COUNTED;
    let median = RUNS / 2;
    let counts = Counts {
        bare: a_call(bare[median].total),
        cloakroom: a_call(ours[median].total),
        sha256: a_call(ours[median].sha256),
        tower_sessions: a_call(peer[median].total),
    };
    (counts, a_call(ours[RUNS - 1].total - ours[0].total))
}
