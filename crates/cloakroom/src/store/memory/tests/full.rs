//! What gives way when the store is full.

use super::*;
use crate::error::ErrorKind;

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
