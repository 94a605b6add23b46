//! The records that the cases put into a store, and how they are read back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Result;
use crate::id::{SecretHash, SessionHandle};
use crate::record::{DataBuilder, Encoding, Record, RecordParts, Revision};
use crate::store::{Created, Lookup, Store};
use crate::time::UnixMillis;

/// The moment at which all cases begin.
pub(super) const START: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
/// The idle timeout of every record.
pub(super) const MAX_AGE: Duration = Duration::from_secs(100);

pub(super) const HASH: SecretHash = SecretHash::from_bytes([7; 32]);

pub(super) fn handle(n: u64) -> SessionHandle {
    let mut bytes = [0; 16];
    // Spread over the first bytes, as random handles are.
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    SessionHandle::from_bytes(bytes)
}

pub(super) fn parts(n: u64) -> RecordParts {
    static REVISIONS: AtomicU64 = AtomicU64::new(1);
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("n", &n).expect("a number is JSON");
    let revision = Revision::from_u64(REVISIONS.fetch_add(1, Ordering::Relaxed));
    RecordParts::new(data.build(), HASH, revision, START, MAX_AGE)
}

pub(super) fn record(n: u64) -> Record {
    parts(n).into()
}

pub(super) fn of_subject(n: u64, subject: &str) -> Record {
    RecordParts { subject: Some(subject.into()), ..parts(n) }.into()
}

pub(super) async fn live<S: Store>(
    store: &S,
    key: SessionHandle,
    now: UnixMillis,
) -> Option<Record> {
    match store.load(key, None, now).await.expect("a load works") {
        Lookup::Live(record) => Some(record),
        Lookup::Absent(_) => None,
    }
}

pub(super) fn number(record: &Record) -> u64 {
    record.data().get("n").expect("a number").expect("the key n")
}

pub(super) async fn created<S: Store>(store: &S, n: u64) -> Record {
    let made = record(n);
    assert_eq!(store.create(handle(n), made.clone(), START).await.unwrap_ok(), Created::Created);
    made
}

pub(super) trait UnwrapOk<T> {
    fn unwrap_ok(self) -> T;
}

impl<T> UnwrapOk<T> for Result<T> {
    fn unwrap_ok(self) -> T {
        self.expect("a store that works reports no error")
    }
}
