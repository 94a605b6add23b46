//! How long a reader of the memory store waits at worst while other sessions expire.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::store::Lookup;
use cloakroom::{MemoryStore, Store};
use comfy_table::Table;

use crate::memory::{NOW, filled_by, handle, ready};

/// How often each case is run. Whatever else the machine does only adds to a wait, so the least counts.
pub(crate) const RUNS: usize = 3;

/// Sessions that live on and are read, spread over all shards.
const LIVE: u64 = 4_096;
const LONG: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const SHORT: Duration = Duration::from_secs(60);

/// Waits of one run.
struct Waits {
    worst: Duration,
    /// All but one read in ten thousand took at most this.
    most: Duration,
}

/// Reads live sessions at a time when all short ones have expired.
fn read(store: &MemoryStore, reads: u64) -> Waits {
    let later = NOW.plus(SHORT * 2);
    let mut waits = Vec::with_capacity(reads as usize);
    for call in 0..reads {
        let key = handle(call % LIVE);
        let started = Instant::now();
        let found = ready(store.load(key, None, later)).unwrap();
        waits.push(started.elapsed());
        assert!(matches!(found, Lookup::Live(_)), "the session is live");
    }
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    Waits { worst: at(1.0), most: at(0.9999) }
}

/// One run: so many sessions beside the live ones, which expire or do not.
fn run(others: u64, expire: bool, sweep: bool) -> Waits {
    let other = if expire { SHORT } else { LONG };
    let store = filled_by(LIVE + others, |n| if n < LIVE { LONG } else { other });
    let done = AtomicBool::new(false);
    let waits = thread::scope(|scope| {
        if sweep {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = ready(store.delete_expired(1_000, NOW.plus(SHORT * 2))).unwrap();
                }
            });
        }
        let waits = read(&store, others);
        done.store(true, Ordering::Relaxed);
        waits
    });
    let left = ready(store.delete_expired(usize::MAX, NOW.plus(SHORT * 2))).unwrap();
    assert_eq!(left, 0, "the reads went on until the last expired session was freed");
    waits
}

pub(crate) fn table(quick: bool) -> Table {
    let others = if quick { 20_000 } else { 500_000 };
    let mut table = Table::new();
    table.set_header(["reads while", "worst us", "99.99 % us"]);
    for (name, expire, sweep) in [
        ("none expire", false, false),
        ("expire, freed by the reads", true, false),
        ("none expire, with a sweeper", false, true),
        ("expire, with a sweeper", true, true),
    ] {
        let runs: Vec<_> = (0..RUNS).map(|_| run(others, expire, sweep)).collect();
        let least = |wait: fn(&Waits) -> Duration| {
            let least = runs.iter().map(wait).min().unwrap_or_default();
            format!("{:.1}", least.as_nanos() as f64 / 1_000.0)
        };
        table.add_row([
            format!("{others} sessions: {name}"),
            least(|waits| waits.worst),
            least(|waits| waits.most),
        ]);
    }
    table
}
