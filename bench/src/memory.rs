//! The memory store on its own: threads, and bytes a session.

use std::thread;
use std::time::Instant;

use cloakroom::store::{Lookup, Updated};
use cloakroom::{MemoryStore, Store};
use cloakroom_bench::sessions::{NOW, TWO_WEEKS, filled_by, handle, ready, record, resident};
use comfy_table::Table;

fn filled(sessions: u64) -> MemoryStore {
    filled_by(sessions, |_| TWO_WEEKS)
}

/// Operations a second of so many threads on so many sessions.
fn rate(store: &MemoryStore, sessions: u64, threads: u64, calls: u64, write: bool) -> f64 {
    let started = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for call in 0..calls {
                    let key = handle((call.wrapping_mul(0x9e37_79b9) + thread) % sessions);
                    let Lookup::Live(found) = ready(store.load(key, None, NOW)).unwrap() else {
                        panic!("the session is live");
                    };
                    if write {
                        let next = record(call + 1, TWO_WEEKS);
                        let outcome =
                            ready(store.update(key, next, found.revision(), NOW)).unwrap();
                        assert_ne!(outcome, Updated::Gone);
                    }
                }
            });
        }
    });
    (threads * calls) as f64 / started.elapsed().as_secs_f64()
}

/// What many sessions take.
pub(crate) struct Footprint {
    sessions: u64,
    /// Of resident memory, a session.
    bytes: u64,
    /// To create them.
    seconds: f64,
}

/// Must be measured before anything else: what other stores have freed would be used again, and not count.
pub(crate) fn footprint(quick: bool) -> Footprint {
    let sessions = if quick { 10_000 } else { 1_000_000 };
    let before = resident();
    let started = Instant::now();
    let store = filled(sessions);
    let seconds = started.elapsed().as_secs_f64();
    let bytes = resident().saturating_sub(before) / sessions;
    drop(store);
    Footprint { sessions, bytes, seconds }
}

pub(crate) fn table(quick: bool, footprint: &Footprint) -> Table {
    let (many, calls) = if quick { (1_000, 1_000) } else { (100_000, 1_000_000) };
    let mut table = Table::new();
    table.set_header(["measure", "one thread", "two threads", "two / one", "limit"]);
    for (name, sessions, write) in [
        ("reads/s, one hot session", 1, false),
        ("reads/s, many sessions", many, false),
        ("load and update/s, one hot session", 1, true),
        ("load and update/s, many sessions", many, true),
    ] {
        let store = filled(sessions);
        let [one, two] = [1, 2].map(|threads| {
            // The best of five, since anything else on the machine only ever takes away.
            (0..5).map(|_| rate(&store, sessions, threads, calls / 4, write)).fold(0.0, f64::max)
        });
        table.add_row([
            name.to_owned(),
            format!("{one:.0}"),
            format!("{two:.0}"),
            format!("{:.2}", two / one),
            "1.5".to_owned(),
        ]);
    }
    table.add_row([
        format!("bytes a session, {} of 2 x 100 B", footprint.sessions),
        footprint.bytes.to_string(),
        String::new(),
        format!("filled in {:.2} s", footprint.seconds),
        "340".to_owned(),
    ]);
    table
}
