//! Why a session ended, who is told, and for how long it is known.

use std::pin::pin;
use std::time::Duration;

use cloakroom::store::{Ended, Lookup, SqliteStore, Store, Updated};
use cloakroom::{RecordParts, UnixMillis};

use crate::common::{MAX_AGE, NOW, begin, create, fresh, fresh_path, handle, live, parts};
use crate::foreign::foreign;

async fn why(store: &impl Store, n: u64, now: UnixMillis) -> Option<Ended> {
    match store.load(handle(n), None, now).await.unwrap() {
        Lookup::Live(_) => panic!("session {n} is live"),
        Lookup::Absent(why) => why,
    }
}

#[tokio::test]
async fn an_end_is_explained_for_its_time_and_then_forgotten() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    for (n, reason) in [(1, Ended::Destroyed), (2, Ended::Revoked), (3, Ended::Reused)] {
        create(&store, n).await;
        assert!(store.delete(handle(n), reason, NOW).await.unwrap());
        assert_eq!(why(&store, n, NOW).await, Some(reason));
        assert_eq!(
            why(&store, n, NOW.plus(DAY).minus(Duration::from_millis(1))).await,
            Some(reason)
        );
        assert_eq!(why(&store, n, NOW.plus(DAY)).await, None);
    }
    assert_eq!(store.delete_expired(10, NOW.plus(DAY)).await.unwrap(), 0);
    let left = foreign(&path).query_row("SELECT count(*) FROM ended", [], |row| row.get(0));
    assert_eq!(left, Ok(0));
}

#[tokio::test]
async fn ends_stay_few_without_a_sweep() {
    let path = fresh_path();
    let time = Duration::from_secs(1);
    let store = SqliteStore::builder().with_remembered_ends(time).open(&path).await.unwrap();
    for n in 0..20 {
        let now = NOW.plus(time * n);
        let made = RecordParts { idle_deadline: now.plus(MAX_AGE), ..parts(1) }.into();
        let _ = store.create(handle(n.into()), made, now).await.unwrap();
        assert!(store.delete(handle(n.into()), Ended::Destroyed, now).await.unwrap());
    }
    let left = foreign(&path).query_row("SELECT count(*) FROM ended", [], |row| row.get(0));
    assert_eq!(left, Ok(1));
}

#[tokio::test]
async fn s_055_what_has_expired_is_told_so_while_it_is_there() {
    let store = fresh().await;
    create(&store, 1).await;
    let late = NOW.plus(MAX_AGE);
    assert_eq!(why(&store, 1, late).await, Some(Ended::Expired));
    assert_eq!(store.delete_expired(10, late).await.unwrap(), 1);
    assert_eq!(why(&store, 1, late).await, None);
}

#[tokio::test]
async fn s_061_a_large_sweep_is_several_small_ones_and_spares_what_was_renewed() {
    let store = fresh().await;
    let creates: Vec<_> = (0..600)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { drop(create(&store, n).await) })
        })
        .collect();
    for create in creates {
        create.await.unwrap();
    }
    let late = NOW.plus(MAX_AGE);
    assert!(store.touch(handle(7), late.plus(MAX_AGE), NOW).await.unwrap());
    assert_eq!(store.delete_expired(550, late).await.unwrap(), 550);
    assert_eq!(store.delete_expired(550, late).await.unwrap(), 49);
    assert!(live(&store, 7).await.is_some());
}

#[tokio::test]
async fn who_waits_is_told_of_every_way_to_end() {
    let store = fresh().await;
    for way in 0..3 {
        let made = create(&store, way).await;
        let mut ended = pin!(store.ended(handle(way)));
        assert!(begin(ended.as_mut()).is_none());
        let mut other = pin!(store.ended(handle(99)));
        assert!(begin(other.as_mut()).is_none());
        match way {
            0 => assert!(store.delete(handle(way), Ended::Revoked, NOW).await.unwrap()),
            1 => {
                let over = RecordParts { idle_deadline: NOW, ..parts(1) }.into();
                let outcome = store.update(handle(way), over, made.revision(), NOW).await.unwrap();
                assert_eq!(outcome, Updated::Updated);
            }
            _ => assert_eq!(store.delete_expired(9, NOW.plus(MAX_AGE)).await.unwrap(), 1),
        }
        ended.await;
        assert!(begin(other).is_none());
    }
}
