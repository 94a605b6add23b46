//! What the suite for every store does not ask of this one.

mod deadlines;
mod ends;
mod full;
mod lists;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::id::SecretHash;
use crate::record::{Data, DataBuilder, Encoding, RecordParts};

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a call of the memory store had to wait"),
    }
}

fn at(millis: u64) -> UnixMillis {
    UnixMillis::from_millis(millis)
}

/// A handle in the shard `number % 256`.
fn key(number: u64) -> SessionHandle {
    let mut bytes = [0; 16];
    bytes[0] = number as u8;
    bytes[8..].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    SessionHandle::from_bytes(bytes)
}

fn parts(revision: u64, deadline: u64) -> RecordParts {
    let (data, hash) = (Data::empty(Encoding::Json), SecretHash::from_bytes([7; 32]));
    let minute = Duration::from_secs(60);
    RecordParts {
        idle_deadline: at(deadline),
        ..RecordParts::new(data, hash, Revision::from_u64(revision), at(0), minute)
    }
}

fn record(revision: u64, deadline: u64) -> Record {
    parts(revision, deadline).into()
}

fn signed_in(subject: &str, revision: u64, deadline: u64) -> Record {
    RecordParts { subject: Some(subject.into()), ..parts(revision, deadline) }.into()
}

fn big(bytes: usize, revision: u64, deadline: u64) -> Record {
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("text", &"x".repeat(bytes)).unwrap();
    RecordParts { data: data.build(), ..parts(revision, deadline) }.into()
}

fn create(store: &MemoryStore, number: u64, record: Record) {
    assert_eq!(now(store.create(key(number), record, at(0))).unwrap(), Created::Created);
}

fn load(store: &MemoryStore, number: u64, millis: u64) -> Option<Record> {
    match now(store.load(key(number), None, at(millis))).unwrap() {
        Lookup::Live(record) => Some(record),
        Lookup::Absent(_) => None,
    }
}

#[track_caller]
fn check_absent(store: &MemoryStore, number: u64, millis: u64, why: Option<Ended>) {
    match now(store.load(key(number), None, at(millis))).unwrap() {
        Lookup::Live(_) => panic!("session {number} is live"),
        Lookup::Absent(found) => assert_eq!(found, why),
    }
}

fn count(store: &MemoryStore, millis: u64) -> u64 {
    now(Directory::count(store, at(millis))).unwrap()
}

fn of(store: &MemoryStore, subject: &str, millis: u64) -> BTreeSet<SessionHandle> {
    let found = now(store.by_subject(subject, at(millis))).unwrap();
    found.into_iter().map(|(key, _)| key).collect()
}
