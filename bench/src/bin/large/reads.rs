//! What one read costs, in stores of different sizes.

use std::hint::black_box;
use std::time::Instant;

use cloakroom::{MemoryStore, Store};
use cloakroom_bench::sessions::{NOW, handle, mixed, ready};

/// Rounds of each case. The best counts, since anything else on the machine only ever takes away.
pub(crate) const ROUNDS: u64 = 201;
/// Reads in a round.
pub(crate) const CALLS: u64 = 20_000;

/// Nanoseconds of a read in the best round, for each store of which so many sessions are read.
pub(crate) fn nanos<const N: usize>(stores: [(&MemoryStore, u64); N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for round in 0..ROUNDS {
        for (best, (store, sessions)) in best.iter_mut().zip(stores) {
            let started = Instant::now();
            for call in 0..CALLS {
                let key = handle(mixed(round * CALLS + call) % sessions);
                let _ = black_box(ready(store.load(key, None, NOW)).unwrap());
            }
            *best = best.min(started.elapsed().as_nanos() as f64 / CALLS as f64);
        }
    }
    best
}
