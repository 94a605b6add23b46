//! Records to put into a store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::store::{Lookup, Store};
use cloakroom::{
    DataBuilder, Encoding, Record, RecordParts, Revision, SecretHash, SessionHandle, UnixMillis,
};

pub(crate) const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
pub(crate) const MAX_AGE: Duration = Duration::from_secs(100);
pub(crate) const HASH: SecretHash = SecretHash::from_bytes([7; 32]);

pub(crate) fn key(n: u8) -> SessionHandle {
    SessionHandle::from_bytes([n; 16])
}

pub(crate) fn parts(n: u64) -> RecordParts {
    static REVISIONS: AtomicU64 = AtomicU64::new(1);
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("n", &n).expect("a number is JSON");
    let revision = Revision::from_u64(REVISIONS.fetch_add(1, Ordering::Relaxed));
    RecordParts::new(data.build(), HASH, revision, NOW, MAX_AGE)
}

pub(crate) fn record(n: u64) -> Record {
    parts(n).into()
}

pub(crate) fn number(record: &Record) -> u64 {
    record.data().get("n").expect("a number").expect("the key n")
}

/// The live record of a key.
pub(crate) async fn live(
    store: &impl Store,
    key: SessionHandle,
    now: UnixMillis,
) -> Option<Record> {
    match store.load(key, None, now).await.expect("a load works") {
        Lookup::Live(record) => Some(record),
        Lookup::Absent(_) => None,
    }
}
