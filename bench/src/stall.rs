//! How long a reader of the memory store waits at worst while other sessions expire.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cloakroom::{MemoryStore, Store};
use cloakroom_bench::sessions::{NOW, TWO_WEEKS, filled_by, ready};
use cloakroom_bench::waits::{Waits, read};
use comfy_table::Table;

/// How often each case is run. Whatever else the machine does only adds to a wait, so the least counts.
pub(crate) const RUNS: usize = 3;

/// Sessions that live on and are read, spread over all shards.
const LIVE: u64 = 4_096;
const SHORT: Duration = Duration::from_secs(60);

/// Reads live sessions at a time when all short ones have expired.
fn read_all(store: &MemoryStore, reads: u64) -> Waits {
    let later = NOW.plus(SHORT * 2);
    Waits::of((0..reads).map(|call| read(store, call % LIVE, later)).collect())
}

/// One run: so many sessions beside the live ones, which expire or do not.
fn run(others: u64, expire: bool, sweep: bool) -> Waits {
    let other = if expire { SHORT } else { TWO_WEEKS };
    let store = filled_by(LIVE + others, |n| if n < LIVE { TWO_WEEKS } else { other });
    let done = AtomicBool::new(false);
    let waits = thread::scope(|scope| {
        if sweep {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = ready(store.delete_expired(1_000, NOW.plus(SHORT * 2))).unwrap();
                }
            });
        }
        let waits = read_all(&store, others);
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
