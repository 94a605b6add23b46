//! How long a read waits while half of the sessions expire, a quarter at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::{MemoryStore, Store, UnixMillis};
use cloakroom_bench::sessions::{NOW, TWO_WEEKS, mixed, ready};
use cloakroom_bench::waits::{Waits, read};

const FIRST: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(600);
/// Sessions removed at most by one call of the sweeper.
const SWEEP: usize = 1_000;

/// How long the session of this number lasts: of four, two live on.
pub(crate) fn lifetime(number: u64) -> Duration {
    match number % 4 {
        1 => FIRST,
        3 => SECOND,
        _ => TWO_WEEKS,
    }
}

/// The waits while one thing went on.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) waits: Waits,
    pub(crate) took: Duration,
}

fn phase(name: &'static str, read: impl FnOnce() -> Vec<Duration>) -> Phase {
    let started = Instant::now();
    let reads = read();
    let took = started.elapsed();
    Phase { name, waits: Waits::of(reads), took }
}

/// All phases, on a store of so many sessions by [`lifetime`].
pub(crate) fn phases(store: &MemoryStore, sessions: u64) -> [Phase; 3] {
    let quarter = sessions / 4;
    let live = |call: u64| mixed(call) % (sessions / 2) * 2;
    let reads =
        |now: UnixMillis| (0..quarter).map(|call| read(store, live(call), now)).collect::<Vec<_>>();

    let none = phase("none expire", || reads(NOW));
    let after_first = NOW.plus(FIRST * 2);
    let by_reads = phase("a quarter expires, freed by the reads", || reads(after_first));
    let left = ready(store.delete_expired(usize::MAX, after_first)).unwrap();
    assert_eq!(left, 0, "as many reads as expired sessions free all of them");

    let after_second = NOW.plus(SECOND * 2);
    let done = AtomicBool::new(false);
    let by_sweeper = phase("a quarter expires, freed by another thread", || {
        let mut waits = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                while ready(store.delete_expired(SWEEP, after_second)).unwrap() > 0 {}
                done.store(true, Ordering::Relaxed);
            });
            for call in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                waits.push(read(store, live(call), after_second));
            }
        });
        waits
    });
    [none, by_reads, by_sweeper]
}
