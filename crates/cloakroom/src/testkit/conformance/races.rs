//! Calls about one session at the same time: each is there or is not, and none undoes another.

use std::sync::Arc;

use super::records::{MAX_AGE, START, UnwrapOk, created, handle, live, number, record};
use crate::store::{Created, Ended, Store, Updated};

/// Of concurrent creates with one key exactly one wins.
pub async fn concurrent_creates_have_one_winner<S: Store>(store: S) {
    let store = Arc::new(store);
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.create(handle(1), record(n), START).await.unwrap_ok() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.expect("no panic") == Created::Created);
    }
    assert_eq!(winners, 1);
}

/// Fifty writers that compare and set in a loop lose nothing.
pub async fn racing_updates_lose_nothing<S: Store>(store: S) {
    let store = Arc::new(store);
    assert_eq!(store.create(handle(1), record(0), START).await.unwrap_ok(), Created::Created);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                loop {
                    let found = live(&*store, handle(1), START).await.expect("live");
                    let next = record(number(&found) + 1);
                    match store.update(handle(1), next, found.revision(), START).await.unwrap_ok() {
                        Updated::Updated => return,
                        Updated::Conflict => tokio::task::yield_now().await,
                        Updated::Gone => panic!("the session is there"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(number(&live(&*store, handle(1), START).await.expect("live")), 50);
}

/// A deleted session stays deleted, whatever updates and touches race with the delete.
pub async fn s_050_racing_writers_do_not_resurrect<S: Store>(store: S) {
    let store = Arc::new(store);
    for round in 0..100 {
        let made = created(&*store, round).await;
        let (writer, toucher, deleter) = (store.clone(), store.clone(), store.clone());
        // All three are tasks, and two of them dawdle: one thread alone would always take the same order.
        let write = tokio::spawn(async move {
            for _ in 0..round / 4 % 4 {
                tokio::task::yield_now().await;
            }
            let _ = writer.update(handle(round), record(round), made.revision(), START).await;
        });
        let touch = tokio::spawn(async move {
            let _ = toucher.touch(handle(round), START.plus(MAX_AGE * 2), START).await;
        });
        let delete = tokio::spawn(async move {
            for _ in 0..round % 4 {
                tokio::task::yield_now().await;
            }
            deleter.delete(handle(round), Ended::Destroyed, START).await.unwrap_ok();
        });
        for task in [write, touch, delete] {
            task.await.expect("no panic");
        }
        assert!(live(&*store, handle(round), START).await.is_none(), "round {round}");
    }
}
