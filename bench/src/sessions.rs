//! Sessions put into a memory store without a layer around it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::{
    DataBuilder, Encoding, MemoryStore, Record, RecordParts, Revision, SecretHash, SessionHandle,
    Store, UnixMillis,
};

/// A lifetime that no bench outlasts.
pub const TWO_WEEKS: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// When the sessions are created.
pub const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

/// The value of a future that is ready at once, as those of a store in memory are.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory is ready"),
    }
}

/// The handle of the session of this number. As mixed as a real one is, since the store uses its bytes as
/// they are: to choose a shard, and as the hash.
#[must_use]
pub fn handle(n: u64) -> SessionHandle {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mixed(2 * n).to_be_bytes());
    bytes[8..].copy_from_slice(&mixed(2 * n + 1).to_be_bytes());
    SessionHandle::from_bytes(bytes)
}

/// The random number of this place in a row that is the same in every run: SplitMix64 (Steele, Lea and Flood 2014).
#[must_use]
pub fn mixed(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Two keys of 100 B each: a name of one character, a string of 97, its quotes.
#[must_use]
pub fn record(revision: u64, max_age: Duration) -> Record {
    let mut data = DataBuilder::new(Encoding::Json);
    for key in ["a", "b"] {
        data.insert(key, &"x".repeat(97)).unwrap();
    }
    Record::from(RecordParts::new(
        data.build(),
        SecretHash::from_bytes([7; 32]),
        Revision::from_u64(revision),
        NOW,
        max_age,
    ))
}

/// A store of so many sessions, each lasting as long as its number says.
pub fn filled_by(sessions: u64, max_age: impl Fn(u64) -> Duration) -> MemoryStore {
    let store = MemoryStore::new().with_max_sessions(20_000_000).with_max_bytes(16 << 30);
    for n in 0..sessions {
        let _ = ready(store.create(handle(n), record(0, max_age(n)), NOW)).unwrap();
    }
    store
}

/// Resident bytes of this process.
#[must_use]
pub fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|field| field.parse().ok()).unwrap_or(0);
    pages * 4096
}
