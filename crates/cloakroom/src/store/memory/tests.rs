use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::tombstones::TOMBSTONES;
use super::*;
use crate::error::ErrorKind;
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
    RecordParts {
        data: Data::empty(Encoding::Json),
        secret_hash: SecretHash::from_bytes([7; 32]),
        revision: Revision::from_u64(revision),
        created_at: at(0),
        idle_deadline: at(deadline),
        max_age: Duration::from_secs(60),
        absolute_deadline: None,
        authenticated_at: None,
        secret_since: at(0),
        previous_secret: None,
        subject: None,
        labels: BTreeMap::new(),
        browser_session: false,
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

#[test]
fn create_never_overwrites_a_live_record() {
    let store = MemoryStore::new();
    create(&store, 1, record(1, 100));
    assert_eq!(now(store.create(key(1), record(2, 200), at(99))).unwrap(), Created::Occupied);
    assert_eq!(load(&store, 1, 99).unwrap().revision(), Revision::from_u64(1));
    assert_eq!(now(store.create(key(1), record(3, 200), at(100))).unwrap(), Created::Created);
    assert_eq!(load(&store, 1, 100).unwrap().revision(), Revision::from_u64(3));
    assert_eq!(store.shards.usage.sessions(), 1);
}

#[test]
fn s_005_of_concurrent_creates_exactly_one_wins() {
    let store = MemoryStore::new();
    for round in 0..50 {
        let (won, start) = (AtomicUsize::new(0), Barrier::new(8));
        std::thread::scope(|scope| {
            for revision in 0..8 {
                let (store, won, start) = (store.clone(), &won, &start);
                scope.spawn(move || {
                    start.wait();
                    let made = now(store.create(key(round), record(revision, 100), at(0))).unwrap();
                    won.fetch_add(usize::from(made == Created::Created), Ordering::SeqCst);
                });
            }
        });
        assert_eq!(won.into_inner(), 1);
    }
    assert_eq!(store.shards.usage.sessions(), 50);
}

#[test]
fn of_concurrent_updates_from_one_revision_exactly_one_wins() {
    let store = MemoryStore::new();
    create(&store, 1, record(0, 100));
    let won = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for revision in 1..9 {
            let (store, won) = (store.clone(), &won);
            scope.spawn(move || {
                let update =
                    store.update(key(1), record(revision, 100), Revision::from_u64(0), at(0));
                won.fetch_add(
                    usize::from(now(update).unwrap() == Updated::Updated),
                    Ordering::SeqCst,
                );
            });
        }
    });
    assert_eq!(won.into_inner(), 1);
}

#[test]
fn update_compares_the_revision() {
    let store = MemoryStore::new();
    create(&store, 1, record(1, 100));
    let update = |new, expected| {
        now(store.update(key(1), record(new, 100), Revision::from_u64(expected), at(0))).unwrap()
    };
    assert_eq!(update(2, 9), Updated::Conflict);
    assert_eq!(update(2, 1), Updated::Updated);
    assert_eq!(update(3, 1), Updated::Conflict);
    assert_eq!(load(&store, 1, 0).unwrap().revision(), Revision::from_u64(2));
}

#[test]
fn s_083_update_and_touch_of_nothing_create_nothing() {
    let store = MemoryStore::new();
    let update = |millis| {
        now(store.update(key(1), record(2, 500), Revision::from_u64(1), at(millis))).unwrap()
    };
    assert_eq!(update(0), Updated::Gone);
    assert!(!now(store.touch(key(1), at(500), at(0))).unwrap());
    check_absent(&store, 1, 0, None);

    create(&store, 1, record(1, 100));
    assert_eq!(update(100), Updated::Gone);
    assert!(!now(store.touch(key(1), at(500), at(100))).unwrap());
    check_absent(&store, 1, 0, Some(Ended::Expired));

    create(&store, 1, record(1, 100));
    assert!(now(store.delete(key(1), Ended::Destroyed, at(0))).unwrap());
    assert_eq!(update(0), Updated::Gone);
    assert!(!now(store.touch(key(1), at(500), at(0))).unwrap());
    check_absent(&store, 1, 0, Some(Ended::Destroyed));
    assert_eq!(store.shards.usage.sessions(), 0);
    assert_eq!(store.shards.usage.bytes(), 0);
}

#[test]
fn an_update_with_an_expired_record_ends_the_session_conditionally() {
    let store = MemoryStore::new();
    create(&store, 1, signed_in("ada", 1, 100));
    let end = |expected| {
        now(store.update(key(1), record(2, 50), Revision::from_u64(expected), at(50))).unwrap()
    };
    assert_eq!(end(9), Updated::Conflict);
    assert!(load(&store, 1, 50).is_some());
    assert_eq!(end(1), Updated::Updated);
    check_absent(&store, 1, 50, Some(Ended::Destroyed));
    assert!(of(&store, "ada", 50).is_empty());
}

#[test]
fn a_session_ends_at_its_deadline_and_not_before() {
    let store = MemoryStore::new();
    create(&store, 1, record(1, 5_000));
    create(&store, 2, RecordParts { absolute_deadline: Some(at(3_000)), ..parts(1, 5_000) }.into());
    assert_eq!(count(&store, 2_999), 2);
    assert!(load(&store, 2, 2_999).is_some());
    assert_eq!(count(&store, 3_000), 1);
    check_absent(&store, 2, 3_000, Some(Ended::Expired));
    assert!(load(&store, 1, 4_999).is_some());
    check_absent(&store, 1, 5_000, Some(Ended::Expired));
    assert!(!now(store.delete(key(1), Ended::Revoked, at(5_000))).unwrap());
    check_absent(&store, 1, 5_000, Some(Ended::Expired));
}

#[test]
fn a_record_created_expired_does_not_exist() {
    let store = MemoryStore::new();
    assert_eq!(now(store.create(key(1), record(1, 10), at(10))).unwrap(), Created::Created);
    check_absent(&store, 1, 10, Some(Ended::Expired));
    assert_eq!(store.shards.usage.sessions(), 0);
}

#[test]
fn touch_moves_the_deadline_both_ways_and_nothing_else() {
    let store = MemoryStore::new();
    create(&store, 1, signed_in("ada", 1, 100_000));
    for deadline in [900_000, 7_000] {
        assert!(now(store.touch(key(1), at(deadline), at(0))).unwrap());
        let found = load(&store, 1, deadline - 1).unwrap();
        assert_eq!(found.idle_deadline(), at(deadline));
        assert_eq!(found.revision(), Revision::from_u64(1));
        assert_eq!(found.subject(), Some("ada"));
    }
    assert_eq!(now(store.delete_expired(10, at(6_999))).unwrap(), 0);
    assert_eq!(now(store.delete_expired(10, at(7_000))).unwrap(), 1);
}

#[test]
fn a_load_renews_for_the_holder_of_the_secret_only() {
    let store = MemoryStore::new();
    create(&store, 1, record(1, 60_000));
    let load = |secret, millis| {
        let renewal = Renewal::new(SecretHash::from_bytes([secret; 32]), None);
        match now(store.load(key(1), Some(&renewal), at(millis))).unwrap() {
            Lookup::Live(record) => record.idle_deadline(),
            Lookup::Absent(_) => panic!("gone"),
        }
    };
    assert_eq!(load(8, 30_000), at(60_000));
    assert_eq!(load(7, 5_999), at(60_000));
    assert_eq!(load(7, 30_000), at(90_000));
    assert_eq!(load(8, 89_999), at(90_000));
}

#[test]
fn delete_expired_is_bounded_and_complete() {
    let store = MemoryStore::new();
    for number in 0..1_000 {
        create(&store, number, record(1, 1_000 + number % 7));
    }
    create(&store, 1_000, record(1, 1_007));
    assert_eq!(now(store.delete_expired(400, at(1_006))).unwrap(), 400);
    assert_eq!(now(store.delete_expired(400, at(1_006))).unwrap(), 400);
    assert_eq!(now(store.delete_expired(400, at(1_006))).unwrap(), 200);
    assert_eq!(now(store.delete_expired(0, at(9_000))).unwrap(), 0);
    assert_eq!(store.shards.usage.sessions(), 1);
    assert!(load(&store, 1_000, 1_006).is_some());
}

#[test]
fn ordinary_calls_free_what_has_expired() {
    let store = MemoryStore::new();
    let second = |n: u64| n * 1_000;
    // Ten thousand seconds of creates in one shard, each session living for a thousand seconds.
    for n in 0..10_000 {
        let made = store.create(key(n * 256), record(1, second(n + 1_000)), at(second(n)));
        assert_eq!(now(made).unwrap(), Created::Created);
    }
    assert!(store.shards.usage.sessions() < 1_020, "{store:?}");
}

#[test]
fn tombstones_tell_why_and_the_oldest_are_forgotten() {
    let store = MemoryStore::new();
    let shard = |n: usize| n as u64 * 256;
    for (n, why) in [Ended::Destroyed, Ended::Revoked, Ended::Reused].into_iter().enumerate() {
        create(&store, shard(n), record(1, 100));
        assert!(now(store.delete(key(shard(n)), why, at(0))).unwrap());
        assert!(!now(store.delete(key(shard(n)), Ended::Expired, at(0))).unwrap());
        check_absent(&store, shard(n), 0, Some(why));
    }
    // Created again, the key has no end; ended again, only the new one, in a new place.
    create(&store, shard(0), record(1, 100));
    assert!(now(store.delete(key(shard(0)), Ended::Revoked, at(0))).unwrap());
    for n in 3..TOMBSTONES + 2 {
        create(&store, shard(n), record(1, 100));
        assert!(now(store.delete(key(shard(n)), Ended::Destroyed, at(0))).unwrap());
    }
    check_absent(&store, shard(1), 0, None);
    check_absent(&store, shard(0), 0, Some(Ended::Revoked));
    check_absent(&store, shard(TOMBSTONES + 1), 0, Some(Ended::Destroyed));
}

#[test]
fn s_108_a_flood_of_anonymous_sessions_evicts_no_signed_in_one() {
    let store = MemoryStore::new().with_max_sessions(100);
    for number in 0..60 {
        create(&store, number, signed_in("ada", 1, 1_000_000));
    }
    for number in 60..5_000 {
        create(&store, number, record(1, 1_000_000));
        assert!(load(&store, number, 0).is_some(), "the new session is the one evicted");
    }
    assert_eq!(count(&store, 0), 100);
    assert_eq!(of(&store, "ada", 0).len(), 60);
    check_absent(&store, 60, 0, None);
}

#[test]
fn s_108_expired_sessions_make_room_before_anonymous_ones() {
    let store = MemoryStore::new().with_max_sessions(3);
    create(&store, 1, record(1, 900));
    create(&store, 2, record(1, 900));
    create(&store, 200, signed_in("ada", 1, 100));
    assert_eq!(now(store.create(key(4), record(1, 900), at(100))).unwrap(), Created::Created);
    assert!([1, 2, 4].into_iter().all(|number| load(&store, number, 100).is_some()));
}

#[test]
fn s_108_only_signed_in_sessions_refuse_a_create() {
    let store = MemoryStore::new().with_max_sessions(10);
    for number in 0..10 {
        create(&store, number, signed_in("ada", 1, 1_000));
    }
    let error = now(store.create(key(10), record(1, 1_000), at(0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreFull);
    assert_eq!(error.store(), Some("memory"));
    // What is there goes on, and a taken key is still that.
    assert_eq!(now(store.create(key(1), record(1, 1_000), at(0))).unwrap(), Created::Occupied);
    let update = store.update(key(1), signed_in("ada", 2, 1_000), Revision::from_u64(1), at(0));
    assert_eq!(now(update).unwrap(), Updated::Updated);
    assert!(now(store.delete(key(1), Ended::Destroyed, at(0))).unwrap());
    create(&store, 10, record(1, 1_000));
}

#[test]
fn s_108_bytes_are_bounded_too() {
    let store = MemoryStore::new().with_max_bytes(100_000);
    for number in 0..500 {
        create(&store, number, big(1_000, 1, 1_000));
        assert!(store.shards.usage.bytes() <= 100_000);
    }
    assert!(count(&store, 0) > 70);
    // A growing session makes room, but is never its own victim.
    let before = count(&store, 0);
    let grow =
        |bytes| now(store.update(key(499), big(bytes, 2, 1_000), Revision::from_u64(1), at(0)));
    assert_eq!(grow(200_000).unwrap_err().kind(), ErrorKind::StoreFull);
    assert_eq!(count(&store, 0), before);
    assert_eq!(grow(90_000).unwrap(), Updated::Updated);
    assert!(load(&store, 499, 0).is_some());
    assert!(store.shards.usage.bytes() <= 100_000);
}

#[test]
fn racing_creates_keep_within_the_limit() {
    let store = MemoryStore::new().with_max_sessions(50);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = store.clone();
            scope.spawn(move || {
                for number in 0..500 {
                    create(&store, thread * 500 + number, record(1, 1_000));
                    assert!(store.shards.usage.sessions() <= 50);
                }
            });
        }
    });
    assert_eq!(count(&store, 0), 50);
    for number in 0..2_000 {
        let _ = now(store.delete(key(number), Ended::Destroyed, at(0))).unwrap();
    }
    assert_eq!((store.shards.usage.sessions(), store.shards.usage.bytes()), (0, 0));
}

#[test]
fn the_subject_index_follows_sign_in_change_delete_and_expiry() {
    let store = MemoryStore::new();
    for number in [1, 2, 257] {
        create(&store, number, record(1, 1_000 + number));
        let update = store.update(
            key(number),
            signed_in("ada", 2, 1_000 + number),
            Revision::from_u64(1),
            at(0),
        );
        assert_eq!(now(update).unwrap(), Updated::Updated);
    }
    create(&store, 3, signed_in("bob", 1, 1_000));
    assert_eq!(of(&store, "ada", 0), [1, 2, 257].map(key).into());
    assert_eq!(of(&store, "bob", 0), [key(3)].into());
    let rename = store.update(key(3), signed_in("ada", 2, 1_003), Revision::from_u64(1), at(0));
    assert_eq!(now(rename).unwrap(), Updated::Updated);
    assert!(of(&store, "bob", 0).is_empty());
    let sign_out = store.update(key(2), record(3, 1_002), Revision::from_u64(2), at(0));
    assert_eq!(now(sign_out).unwrap(), Updated::Updated);
    assert_eq!(of(&store, "ada", 0), [1, 3, 257].map(key).into());
    assert!(now(store.delete(key(257), Ended::Revoked, at(0))).unwrap());
    assert_eq!(of(&store, "ada", 1_000), [1, 3].map(key).into());
    assert_eq!(of(&store, "ada", 1_001), [key(3)].into());
    assert_eq!(now(store.delete_expired(10, at(2_000))).unwrap(), 3);
    assert!(of(&store, "ada", 0).is_empty());
}

#[test]
fn pages_are_sorted_complete_and_without_the_expired() {
    let store = MemoryStore::new();
    let live: BTreeSet<_> = (0..2_000).filter(|n| n % 3 != 0).map(key).collect();
    for number in 0..2_000 {
        create(&store, number, record(1, if number % 3 == 0 { 10 } else { 100 }));
    }
    let mut seen = Vec::new();
    loop {
        let page = now(store.page(seen.last().copied(), 17, at(50))).unwrap();
        assert!(page.len() <= 17);
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|(key, _)| key));
    }
    assert!(seen.is_sorted());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), live);
}

#[test]
fn s_084_namespaces_are_apart_and_the_same_name_is_the_same_store() {
    let store = MemoryStore::new();
    let names = [store.with_namespace("a"), store.with_namespace("b"), store.with_namespace("")];
    let nested = [names[0].with_namespace("b"), names[1].with_namespace("a")];
    let glued =
        [store.with_namespace("ab"), store.with_namespace("a_b"), store.with_namespace("a:b")];
    let all: Vec<_> = [store.clone()].into_iter().chain(names).chain(nested).chain(glued).collect();
    for (number, one) in (1..).zip(&all) {
        create(one, 1, record(number, 100));
    }
    for (number, one) in (1..).zip(&all) {
        assert_eq!(load(one, 1, 0).unwrap().revision(), Revision::from_u64(number));
    }
    let again = store.clone().with_namespace("a").with_namespace("b");
    assert!(now(again.delete(key(1), Ended::Destroyed, at(0))).unwrap());
    check_absent(&all[4], 1, 0, Some(Ended::Destroyed));
    assert!(load(&store, 1, 0).is_some());
}

#[test]
fn ended_resolves_at_every_kind_of_end_and_leaves_nothing_behind() {
    let store = MemoryStore::new();
    let delete = |store: &MemoryStore| {
        assert!(now(store.delete(key(1), Ended::Revoked, at(0))).unwrap());
    };
    let update = |store: &MemoryStore| {
        let end = store.update(key(1), record(2, 0), Revision::from_u64(1), at(0));
        assert_eq!(now(end).unwrap(), Updated::Updated);
    };
    let expire = |store: &MemoryStore| {
        assert_eq!(now(store.delete_expired(9, at(100))).unwrap(), 1);
    };
    let ends: [&dyn Fn(&MemoryStore); 3] = [&delete, &update, &expire];
    for end in ends {
        create(&store, 1, record(1, 100));
        let mut waiting = [Box::pin(store.ended(key(1))), Box::pin(store.ended(key(1)))];
        let mut context = Context::from_waker(Waker::noop());
        for one in &mut waiting {
            assert!(one.as_mut().poll(&mut context).is_pending());
        }
        assert!(now(store.touch(key(1), at(99), at(0))).unwrap());
        assert!(waiting[0].as_mut().poll(&mut context).is_pending());
        end(&store);
        for one in &mut waiting {
            assert!(one.as_mut().poll(&mut context).is_ready());
        }
        assert_eq!(store.shards.of(key(1), |shard| shard.watchers.len()), 0);
    }
    // Of what is no more it resolves at once.
    now(store.ended(key(1)));
}

#[test]
fn a_dropped_waiter_leaves_and_disturbs_no_other() {
    let store = MemoryStore::new();
    let waiters = || store.shards.of(key(1), |shard| shard.watchers.len());
    let mut context = Context::from_waker(Waker::noop());
    create(&store, 1, record(1, 100));
    let mut old = Box::pin(store.ended(key(1)));
    assert!(old.as_mut().poll(&mut context).is_pending());
    assert!(now(store.delete(key(1), Ended::Destroyed, at(0))).unwrap());
    create(&store, 1, record(1, 100));
    let mut new = Box::pin(store.ended(key(1)));
    assert!(new.as_mut().poll(&mut context).is_pending());
    drop(old);
    assert_eq!(waiters(), 1);
    drop(new);
    assert_eq!(waiters(), 0);
}

#[test]
fn clones_are_the_same_store_and_debug_prints_counts_only() {
    let store = MemoryStore::new();
    create(&store.clone(), 1, signed_in("ada", 1, 100));
    assert!(load(&store, 1, 0).is_some());
    let text = format!("{store:?}");
    assert!(text.starts_with("MemoryStore { sessions: 1, bytes: "), "{text}");
    assert!(!text.contains("ada") && !text.contains(&key(1).to_string()));
}

#[test]
fn the_wheel_agrees_with_a_model_for_random_deadlines() {
    for seed in 1..60 {
        check_against_model(seed, seed * 1_000_003);
    }
}

/// Random calls in two shards against a map from key to deadline; after each, what is there and what is gone
/// must be the same.
fn check_against_model(seed: u64, begin: u64) {
    let mut state = seed;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let store = MemoryStore::new();
    let mut model = BTreeMap::new();
    let mut time = begin;
    for step in 0..400 {
        let number = random(2) + 256 * random(40);
        // From milliseconds to centuries, so that every level of the wheel is used.
        let magnitude = random(43);
        let deadline = time + random(1 << magnitude);
        let there = model.get(&number).is_some_and(|end| *end > time);
        match random(8) {
            0..3 => {
                let made = now(store.create(key(number), record(1, deadline), at(time))).unwrap();
                assert_eq!(made == Created::Created, !there);
                if !there {
                    model.insert(number, deadline);
                }
            }
            3..5 => {
                let touched = now(store.touch(key(number), at(deadline), at(time))).unwrap();
                assert_eq!(touched, there);
                if there {
                    model.insert(number, deadline);
                }
            }
            5 => {
                let deleted = now(store.delete(key(number), Ended::Destroyed, at(time))).unwrap();
                assert_eq!(deleted, there);
                model.remove(&number);
            }
            6 => {
                let back = random(8) == 0;
                let bits = random(40);
                let by = random(1 << bits);
                time = if back { time.saturating_sub(by.min(5_000)) } else { time + by };
                // What a call saw expired may be gone, or not yet, if the clock goes back: start anew.
                if back {
                    let limit = usize::MAX;
                    let _ = now(store.delete_expired(limit, at(time + 5_001))).unwrap();
                    model.retain(|_, end| *end > time + 5_001);
                }
            }
            _ => {
                let limit = random(30) as usize;
                let removed = now(store.delete_expired(limit, at(time))).unwrap();
                assert!(removed <= limit);
                if removed < limit {
                    let live = model.values().filter(|end| **end > time).count() as u64;
                    assert_eq!(store.shards.usage.sessions(), live, "seed {seed}, step {step}");
                }
            }
        }
        model.retain(|_, end| *end > time);
        assert_eq!(load(&store, number, time).is_some(), model.contains_key(&number));
        assert_eq!(count(&store, time), model.len() as u64, "seed {seed}, step {step}");
    }
    let left = store.shards.usage.sessions();
    let removed = now(store.delete_expired(usize::MAX, UnixMillis::MAX)).unwrap();
    assert_eq!((removed as u64, store.shards.usage.sessions()), (left, 0));
}

/// After much was freed an allocation can take a millisecond: a read is not to pay for what others left behind.
#[test]
fn s_061_a_read_that_frees_what_has_expired_allocates_nothing() {
    let store = MemoryStore::new();
    for number in 0..40 * 256 {
        create(&store, number, record(1, if number < 256 { 1_000_000 } else { 100 }));
    }
    for number in (0..20 * 256).map(|read| read % 256) {
        let read = || assert!(load(&store, number, 20_000).is_some());
        assert_eq!(allocation_counter::measure(read).count_total, 0);
    }
    assert_eq!(store.shards.usage.sessions(), 256, "the others were freed by the reads");
}
