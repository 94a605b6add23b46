//! When sessions end, and when their memory is freed.

use super::*;

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
