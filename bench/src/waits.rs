//! How long single reads took.

use std::time::{Duration, Instant};

use cloakroom::store::Lookup;
use cloakroom::{MemoryStore, Store, UnixMillis};

use crate::sessions::{handle, ready};

/// The long ones among many reads.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// The longest.
    pub worst: Duration,
    /// All but one read in ten thousand took at most this.
    pub most: Duration,
}

impl Waits {
    /// Of reads that took so long each.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn of(mut reads: Vec<Duration>) -> Self {
        reads.sort_unstable();
        let at = |share: f64| reads[((reads.len() - 1) as f64 * share) as usize];
        Self { worst: at(1.0), most: at(0.9999) }
    }
}

/// Reads the live session of this number, and tells how long that took.
#[expect(clippy::disallowed_methods, reason = "it measures time")]
pub fn read(store: &MemoryStore, number: u64, now: UnixMillis) -> Duration {
    let key = handle(number);
    let started = Instant::now();
    let found = ready(store.load(key, None, now)).unwrap();
    let took = started.elapsed();
    assert!(matches!(found, Lookup::Live(_)), "the session is live");
    took
}
