//! Why a session ended, and for how long it is known.

use std::time::Duration;

use cloakroom::RecordParts;
use cloakroom::store::{Created, Ended, FileStore, Lookup, Renewal, Store, Updated};

use crate::common::{MAX_AGE, NOW, create, fresh, fresh_path, handle, live, parts, patient};
use crate::folder::files;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn why(store: &impl Store, n: u64, now: cloakroom::UnixMillis) -> Option<Ended> {
    match store.load(handle(n), None, now).await.unwrap() {
        Lookup::Live(_) => panic!("session {n} is live"),
        Lookup::Absent(why) => why,
    }
}

#[tokio::test]
async fn an_end_is_explained_for_its_time_and_then_forgotten() {
    let path = fresh_path();
    let store = FileStore::open(&path).await.unwrap();
    for (n, reason) in [(1, Ended::Destroyed), (2, Ended::Revoked), (3, Ended::Reused)] {
        create(&store, n).await;
        assert!(store.delete(handle(n), reason, NOW).await.unwrap());
        assert_eq!(why(&store, n, NOW).await, Some(reason));
        let last = NOW.plus(DAY).minus(Duration::from_millis(1));
        assert_eq!(why(&store, n, last).await, Some(reason));
        assert_eq!(why(&store, n, NOW.plus(DAY)).await, None);
    }
    assert_eq!(files(&path).len(), 4, "three tombstones, and the mark of the folder");
    assert_eq!(store.delete_expired(10, NOW.plus(DAY)).await.unwrap(), 0);
    assert_eq!(files(&path).len(), 1);
}

#[tokio::test]
async fn an_end_that_is_not_to_be_remembered_leaves_nothing() {
    let path = fresh_path();
    let store = patient().with_remembered_ends(Duration::ZERO).open(&path).await.unwrap();
    create(&store, 1).await;
    assert!(store.delete(handle(1), Ended::Revoked, NOW).await.unwrap());
    assert_eq!(why(&store, 1, NOW).await, None);
    assert_eq!(files(&path).len(), 1);
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
async fn the_index_of_subjects_holds_what_is_there_and_no_more() {
    let path = fresh_path();
    let store = FileStore::open(&path).await.unwrap();
    let of = |subject: &str| RecordParts { subject: Some(subject.into()), ..parts(1) };
    for n in 0..4 {
        let made = store.create(handle(n), of("ada").into(), NOW).await.unwrap();
        assert_eq!(made, Created::Created);
    }
    let indexed = || files(&path.join("subjects")).len();
    assert_eq!(indexed(), 4);
    let found = live(&store, 0).await.unwrap();
    let next = of("bob").into();
    let outcome = store.update(handle(0), next, found.revision(), NOW).await.unwrap();
    assert_eq!(outcome, Updated::Updated);
    assert!(store.delete(handle(1), Ended::Destroyed, NOW).await.unwrap());
    assert_eq!(indexed(), 3);
    let directory = store.directory().unwrap();
    assert_eq!(directory.by_subject("ada", NOW).await.unwrap().len(), 2);
    // What a killed writer left is not listed, and goes.
    let ada = path.join("subjects").join(
        std::fs::read_dir(path.join("subjects"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .find(|name| std::fs::read_dir(path.join("subjects").join(name)).unwrap().count() == 2)
            .unwrap(),
    );
    for n in [1, 99] {
        std::fs::write(ada.join(handle(n).to_string()), "").unwrap();
    }
    assert_eq!(directory.by_subject("ada", NOW).await.unwrap().len(), 2);
    assert_eq!(indexed(), 3);
    assert_eq!(store.delete_expired(10, NOW.plus(MAX_AGE)).await.unwrap(), 3);
    assert_eq!(std::fs::read_dir(path.join("subjects")).unwrap().count(), 0);
}

/// An index that was deleted, or not restored, is made again by whatever is next done with a session.
#[tokio::test]
async fn s_070_an_entry_that_the_index_lost_is_there_again_after_a_write_or_a_renewal() {
    for way in ["update", "load", "touch"] {
        let path = fresh_path();
        let store = FileStore::open(&path).await.unwrap();
        let of_ada = RecordParts { subject: Some("ada".into()), ..parts(1) };
        let made = store.create(handle(1), of_ada.clone().into(), NOW).await.unwrap();
        assert_eq!(made, Created::Created);
        std::fs::remove_dir_all(path.join("subjects")).unwrap();
        match way {
            "update" => {
                let next = of_ada.clone().into();
                let done = store.update(handle(1), next, of_ada.revision, NOW).await;
                assert_eq!(done.unwrap(), Updated::Updated);
            }
            "load" => {
                let renewal = Renewal::new(of_ada.secret_hash, Some(Duration::ZERO));
                let later = NOW.plus(Duration::from_secs(1));
                let found = store.load(handle(1), Some(&renewal), later).await.unwrap();
                assert!(matches!(found, Lookup::Live(_)));
            }
            _ => assert!(store.touch(handle(1), NOW.plus(MAX_AGE * 2), NOW).await.unwrap()),
        }
        let found = store.directory().unwrap().by_subject("ada", NOW).await.unwrap();
        assert_eq!(found.len(), 1, "{way}");
    }
}
