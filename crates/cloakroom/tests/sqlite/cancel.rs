//! Futures that are dropped before they are done.

use std::pin::pin;

use cloakroom::store::{Created, Ended, SqliteStore, Store, Updated};

use crate::common::{NOW, begin, create, fresh, fresh_path, handle, live, record};
use crate::foreign::foreign;

#[tokio::test]
async fn s_053_a_call_that_waits_is_skipped_when_it_is_dropped_but_a_delete_is_done() {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    let made = create(&store, 1).await;
    create(&store, 2).await;
    let other = foreign(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    {
        let update = pin!(store.update(handle(1), record(9), made.revision(), NOW));
        let create = pin!(store.create(handle(3), record(3), NOW));
        let delete = pin!(store.delete(handle(2), Ended::Destroyed, NOW));
        assert!(begin(update).is_none() && begin(create).is_none() && begin(delete).is_none());
    }
    other.execute_batch("ROLLBACK").unwrap();

    // Behind them in the queue.
    create(&store, 4).await;
    assert_eq!(live(&store, 1).await.unwrap().to_bytes(), made.to_bytes());
    assert!(live(&store, 2).await.is_none());
    assert!(live(&store, 3).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_079_dropped_at_any_point_a_write_happened_or_did_not() {
    let store = fresh().await;
    let mut known = create(&store, 1).await;
    for round in 0..200 {
        let next = record(round);
        {
            let mut update = pin!(store.update(handle(1), next.clone(), known.revision(), NOW));
            for _ in 0..=round {
                if let Some(outcome) = begin(update.as_mut()) {
                    assert_eq!(outcome.unwrap(), Updated::Updated);
                    break;
                }
                std::thread::yield_now();
            }
        }
        // Behind it in the queue: from here on it has happened, or never does.
        let other = handle(1_000 + round);
        assert_eq!(store.create(other, record(0), NOW).await.unwrap(), Created::Created);
        let found = live(&store, 1).await.unwrap();
        if found.revision() != known.revision() {
            assert_eq!(found.to_bytes(), next.to_bytes());
            known = next;
        }
    }
}
