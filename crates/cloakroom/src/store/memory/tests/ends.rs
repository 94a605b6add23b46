//! Who is told of an end, and for how long.

use super::*;
use crate::store::memory::tombstones::TOMBSTONES;

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
