//! Waiting for the end of a session that another instance ends.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloakroom::store::{Created, Ended, PostgresStore, Store, Updated};
use cloakroom::{Record, RecordParts};

use crate::or_skip;
use crate::records::{NOW, key, live, record};
use crate::setup::{builder, client, fresh, on, server};

/// Waits for the end as the backend does: it registers, looks, and waits to be told.
async fn wait(store: &PostgresStore, n: u8) {
    loop {
        let mut told = pin!(store.ended(key(n)));
        let pending =
            poll_fn(|context| Poll::Ready(told.as_mut().poll(context).is_pending())).await;
        if live(store, key(n), NOW).await.is_none() {
            return;
        }
        if pending {
            told.await;
        }
    }
}

/// Longer than anything here takes: what is never told is a failure and no hang.
async fn in_time(end: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(10), end).await.expect("it is told");
}

/// Waits until the store listens: all who wait are told then, so that they look.
async fn listens(store: &PostgresStore) {
    in_time(store.ended(key(99))).await;
}

#[tokio::test]
async fn an_end_is_told_to_other_instances() {
    let namespace = fresh("ends");
    let one = or_skip!(builder().await).with_namespace(&namespace).with_notifications(true);
    let one = one.build().unwrap();
    let other = builder().await.unwrap().with_namespace(&namespace).with_notifications(true);
    let other = other.build().unwrap();
    for n in 1..=3 {
        assert_eq!(one.create(key(n), record(1), NOW).await.unwrap(), Created::Created);
    }
    listens(&one).await;

    let mut still = pin!(one.ended(key(3)));
    assert!(poll_fn(|context| Poll::Ready(still.as_mut().poll(context).is_pending())).await);
    let end = async { assert!(other.delete(key(1), Ended::Revoked, NOW).await.unwrap()) };
    let ((), ()) = tokio::join!(in_time(wait(&one, 1)), end);
    // An update to a record that is expired is an end as well.
    let found = live(&other, key(2), NOW).await.unwrap();
    let empty = Record::from(RecordParts { idle_deadline: NOW, ..crate::records::parts(2) });
    let end = async {
        let updated = other.update(key(2), empty, found.revision(), NOW).await.unwrap();
        assert_eq!(updated, Updated::Updated);
    };
    let ((), ()) = tokio::join!(in_time(wait(&one, 2)), end);
    // Nobody said anything of the third.
    assert!(poll_fn(|context| Poll::Ready(still.as_mut().poll(context).is_pending())).await);
}

/// What was missed while the connection was gone is looked for when it is back.
#[tokio::test]
async fn a_listener_that_was_cut_off_listens_again() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_notifications(true).build().unwrap();
    listens(&store).await;
    let beside = client(&server.url()).await;
    let mut told = pin!(store.ended(key(1)));
    assert!(poll_fn(|context| Poll::Ready(told.as_mut().poll(context).is_pending())).await);
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE query LIKE 'LISTEN %'";
    assert_eq!(beside.query_one(cut, &[]).await.unwrap().get::<_, i64>(0), 1);
    in_time(told).await;
}

/// Without notifications a wait never resolves, and costs no connection.
#[tokio::test]
async fn without_notifications_nothing_is_told() {
    let store = or_skip!(crate::setup::store().await);
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    let mut told = pin!(store.ended(key(1)));
    assert!(poll_fn(|context| Poll::Ready(told.as_mut().poll(context).is_pending())).await);
    assert!(store.delete(key(1), Ended::Destroyed, NOW).await.unwrap());
    assert!(poll_fn(|context| Poll::Ready(told.as_mut().poll(context).is_pending())).await);
}
