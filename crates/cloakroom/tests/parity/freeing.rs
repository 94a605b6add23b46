//! A.4: what is freed, and when.

use std::time::Duration;

use cloakroom::testkit::{FaultyStore, Operation};
use cloakroom::{Clock, MemoryStore, Store};

use crate::stores::{DAY, Process, each};

/// Better: freed in batches, no lock is held for all, and what cannot be read is left for a person to look at.
#[tokio::test]
async fn a_4_delete_expired_frees_in_batches_and_passes_over_what_is_foreign() {
    for (store, folder) in each() {
        let is_redis = store.name() == "litestar-redis";
        let process = Process::on(store.clone());
        for _ in 0..7 {
            process.insert("", "a", 1).await;
        }
        if let Some(folder) = &folder {
            let kept = folder.path().join("kept");
            for (name, bytes) in [("x.tmp1a2b3c4d", ""), (&"f".repeat(64), "broken")] {
                std::fs::write(kept.join(name), bytes).unwrap();
            }
            std::fs::create_dir(kept.join("sub")).unwrap();
        }
        assert_eq!(process.backend.sessions().delete_expired().await.unwrap(), 0);
        process.clock.advance(14 * DAY);
        let now = process.clock.now();
        let freed = store.delete_expired(5, now).await.unwrap();
        assert_eq!(freed, if is_redis { 0 } else { 5 }, "the server frees by itself");
        assert_eq!(store.delete_expired(5, now).await.unwrap(), if is_redis { 0 } else { 2 });
        if let Some(folder) = folder {
            let left = std::fs::read_dir(folder.path().join("kept")).unwrap().count();
            assert_eq!(left, 3, "what is foreign");
        }
    }
}

/// Better: a task frees what has expired, once an interval whatever the traffic.
#[tokio::test(start_paused = true)]
async fn a_4_sweep_runs_by_itself() {
    let store = FaultyStore::new(MemoryStore::new());
    let process = Process::on(store.clone());
    let minute = Duration::from_secs(60);
    let cleanup = process.backend.sessions().clean_up_every(minute);
    let cookie = process.insert("", "a", 1).await;
    for second in 0..600 {
        process.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Traffic puts nothing off.
        process.insert(&cookie, "a", second).await;
    }
    let rounds = store.calls(Operation::DeleteExpired);
    assert!((5..=10).contains(&rounds), "{rounds}");
    cleanup.stop().await;
}

/// Better: bounded by default in memory, in sessions and bytes; anonymous ones go first. On disk and on a server it is their
/// own limit, which is an error to us and loses nothing.
#[tokio::test]
async fn a_4_limits_keep_memory_bounded() {
    let store = MemoryStore::new().with_max_sessions(10);
    let process = Process::on(store);
    let session = process.load("").await;
    session.sign_in("ada").unwrap();
    process.backend.store_in_message(&session, 200).await.1.unwrap();
    for _ in 0..100 {
        process.insert("", "a", 1).await;
    }
    assert!(process.backend.sessions().count().await.unwrap() <= 10);
    assert_eq!(process.backend.sessions().of("ada").await.unwrap().len(), 1);
}
