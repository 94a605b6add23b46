//! How much a store holds and how much it may: counters for all shards.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, SeqCst},
};

/// What a session counts beyond its record: key, slot, table entry, allocation.
const SESSION_BYTES: u64 = 80;

/// No room for what was asked.
#[derive(Debug)]
pub(super) struct Full;

/// The bytes that a record of `size` counts.
pub(super) fn cost(size: usize) -> u64 {
    size as u64 + SESSION_BYTES
}

/// Relaxed but for `changes`: each number stands alone, and the records themselves are under a lock.
#[derive(Debug)]
pub(super) struct Usage {
    sessions: AtomicU64,
    bytes: AtomicU64,
    evicted: AtomicU64,
    refused: AtomicU64,
    changes: AtomicU64,
    max_sessions: AtomicU64,
    max_bytes: AtomicU64,
}

impl Usage {
    pub(super) fn new(max_sessions: u64, max_bytes: u64) -> Self {
        Self {
            sessions: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            max_sessions: AtomicU64::new(max_sessions),
            max_bytes: AtomicU64::new(max_bytes),
        }
    }

    pub(super) fn sessions(&self) -> u64 {
        self.sessions.load(Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(super) fn max_sessions(&self) -> u64 {
        self.max_sessions.load(Relaxed)
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes.load(Relaxed)
    }

    pub(super) fn set_max_sessions(&self, max: u64) {
        self.max_sessions.store(max, Relaxed);
    }

    pub(super) fn set_max_bytes(&self, max: u64) {
        self.max_bytes.store(max, Relaxed);
    }

    /// Takes room for sessions and bytes, or nothing. Two racing calls never take more than there is.
    pub(super) fn reserve(&self, sessions: u64, bytes: u64) -> Result<(), Full> {
        take(&self.sessions, sessions, self.max_sessions())?;
        take(&self.bytes, bytes, self.max_bytes()).inspect_err(|_| {
            self.sessions.fetch_sub(sessions, Relaxed);
        })
    }

    /// Gives back what [`reserve`](Self::reserve) took.
    pub(super) fn release(&self, sessions: u64, bytes: u64) {
        self.sessions.fetch_sub(sessions, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
        self.note_change();
    }

    /// Counts what a search for room may have missed: room that was given back, or an anonymous session that
    /// arrived where the search had been already.
    pub(super) fn note_change(&self) {
        self.changes.fetch_add(1, SeqCst);
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes.load(SeqCst)
    }

    /// Counts an eviction; the number so far.
    pub(super) fn count_eviction(&self) -> u64 {
        self.evicted.fetch_add(1, Relaxed) + 1
    }

    /// Counts a write that was refused; the number so far.
    pub(super) fn count_refusal(&self) -> u64 {
        self.refused.fetch_add(1, Relaxed) + 1
    }
}

fn take(used: &AtomicU64, wanted: u64, max: u64) -> Result<(), Full> {
    // Asking for nothing succeeds even above a limit that was lowered later.
    if wanted == 0 {
        return Ok(());
    }
    used.fetch_update(Relaxed, Relaxed, |used| used.checked_add(wanted).filter(|sum| *sum <= max))
        .map(drop)
        .map_err(|_| Full)
}
