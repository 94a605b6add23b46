//! The memory store on its own: threads, and bytes a session.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::store::{Lookup, Updated};
use cloakroom::{
    DataBuilder, Encoding, MemoryStore, Record, RecordParts, Revision, SecretHash, SessionHandle,
    Store, UnixMillis,
};
use comfy_table::Table;

const TWO_WEEKS: Duration = Duration::from_secs(14 * 24 * 60 * 60);
pub(crate) const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory is ready"),
    }
}

pub(crate) fn handle(n: u64) -> SessionHandle {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    SessionHandle::from_bytes(bytes)
}

/// Two keys of 100 B each: a name of one character, a string of 97, its quotes.
pub(crate) fn record(revision: u64, max_age: Duration) -> Record {
    let mut data = DataBuilder::new(Encoding::Json);
    for key in ["a", "b"] {
        data.insert(key, &"x".repeat(97)).unwrap();
    }
    Record::from(RecordParts {
        data: data.build(),
        secret_hash: SecretHash::from_bytes([7; 32]),
        revision: Revision::from_u64(revision),
        created_at: NOW,
        idle_deadline: NOW.plus(max_age),
        max_age,
        absolute_deadline: None,
        authenticated_at: None,
        secret_since: NOW,
        previous_secret: None,
        subject: None,
        labels: BTreeMap::new(),
        browser_session: false,
    })
}

/// A store of so many sessions, each lasting as long as its number says.
pub(crate) fn filled_by(sessions: u64, max_age: impl Fn(u64) -> Duration) -> MemoryStore {
    let store = MemoryStore::new().with_max_sessions(20_000_000).with_max_bytes(16 << 30);
    for n in 0..sessions {
        let _ = ready(store.create(handle(n), record(0, max_age(n)), NOW)).unwrap();
    }
    store
}

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

/// Resident bytes of this process.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|field| field.parse().ok()).unwrap_or(0);
    pages * 4096
}

pub(crate) fn table(quick: bool) -> Table {
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
    let sessions = if quick { 10_000 } else { 1_000_000 };
    let before = resident();
    let started = Instant::now();
    let store = filled(sessions);
    let seconds = started.elapsed().as_secs_f64();
    let bytes = resident().saturating_sub(before) / sessions;
    drop(store);
    table.add_row([
        format!("bytes a session, {sessions} of 2 x 100 B"),
        bytes.to_string(),
        String::new(),
        format!("filled in {seconds:.2} s"),
        "340".to_owned(),
    ]);
    table
}
