//! Creates and updates: one of several wins, and nothing is made of nothing.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

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
