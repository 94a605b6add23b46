//! Callers that give up, and runtimes that end.

use std::time::Duration;

use cloakroom::store::{Created, Ended, Store, Updated};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};

use crate::dropping::begin_and_drop;
use crate::or_skip;
use crate::records::{NOW, key, live, number, record};
use crate::setup::{builder, client, on, server};

/// S-78 and S-79: a future that is dropped anywhere leaves the record as before or as after, and no reply to
/// anyone else.
#[tokio::test]
async fn s_078_dropped_futures_leave_no_reply_behind() {
    let store = or_skip!(builder().await).with_max_connections(1).build().unwrap();
    for n in 0..8 {
        assert_eq!(store.create(key(n), record(0), NOW).await.unwrap(), Created::Created);
    }
    let mut counts = [0_u64; 8];
    let (mut dropped, mut finished) = (0, 0);
    for round in 0..600_u64 {
        let n = (round % 8) as u8;
        let before = live(&store, key(n), NOW).await.unwrap();
        let count = &mut counts[usize::from(n)];
        assert!((*count..=*count + 1).contains(&number(&before)), "another session's record");
        *count = number(&before);
        // At once, which no server outruns; and at every later step, as far as this one gives time.
        let polls = match round % 3 {
            0 => round % 2,
            1 => round % 13,
            _ => round * round % 97,
        };
        let give_up = async {
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
        };
        let next = record(*count + 1);
        tokio::select! {
            biased;
            outcome = store.update(key(n), next, before.revision(), NOW) => {
                assert_eq!(outcome.unwrap(), Updated::Updated);
                *count += 1;
                finished += 1;
            }
            () = give_up => dropped += 1,
        }
    }
    assert!(dropped >= 100, "{dropped} were dropped, {finished} finished");
    // Every permit of the pool of one is back.
    assert!(store.delete(key(0), Ended::Destroyed, NOW).await.unwrap());
}

/// The connections of the server that are not the one that asks.
async fn connections(beside: &mut Conn, which: &str) -> Vec<u64> {
    let sql = format!(
        "SELECT id FROM information_schema.processlist \
         WHERE user = 'cloakroom' AND id <> CONNECTION_ID() {which}"
    );
    beside.query(sql).await.unwrap()
}

/// Visitors who hang up cost the server no connection.
#[tokio::test]
async fn s_078_a_connection_whose_caller_is_gone_serves_again() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_max_connections(1).with_timeout(Duration::from_secs(60));
    let store = store.build().unwrap();
    let mut beside = client(&server.url()).await;
    assert_eq!(store.create(key(0), record(0), NOW).await.unwrap(), Created::Created);
    let connection = connections(&mut beside, "").await;
    assert_eq!(connection.len(), 1);
    for _ in 0..10 {
        begin_and_drop(store.load(key(0), None, NOW)).await;
        assert_eq!(number(&live(&store, key(0), NOW).await.unwrap()), 0);
    }
    let after = connections(&mut beside, "").await;
    assert_eq!(after, connection, "answered in time, it serves again");
}

/// Nor does one that is still busy serve anyone else.
#[tokio::test]
async fn s_078_a_connection_in_the_middle_of_a_command_is_not_pooled() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_max_connections(1).with_timeout(Duration::from_millis(500));
    let store = store.build().unwrap();
    let mut beside = client(&server.url()).await;
    let first = record(0);
    // In its short time, on a busy machine, not at once.
    while store.create(key(0), first.clone(), NOW).await.is_err() {}
    let before = connections(&mut beside, "").await;

    let mut holder = client(&server.url()).await;
    let mut lock = holder.start_transaction(TxOpts::default()).await.unwrap();
    lock.query_drop("SELECT 1 FROM cloakroom_sessions FOR UPDATE").await.unwrap();
    begin_and_drop(store.update(key(0), record(1), first.revision(), NOW)).await;
    // It waits for the row; another call, in its turn, waits for it, or for another connection.
    while store.load(key(9), None, NOW).await.is_err() {}
    // The server notices that once it has the lock, or waits no more.
    let idle = connections(&mut beside, "AND command = 'Sleep'").await;
    assert!(!idle.iter().any(|it| before.contains(it)), "not answered in time, it is closed");
    lock.rollback().await.unwrap();
}

/// Without a runtime there is nobody who could wait for the answer.
#[test]
fn s_078_a_call_can_outlive_its_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, other) = (runtime(), runtime());
    let store = or_skip!(one.block_on(crate::setup::store()));
    let mut call = Box::pin(store.load(key(0), None, NOW));
    one.block_on(std::future::poll_fn(|context| {
        std::task::Poll::Ready(call.as_mut().poll(context).is_pending())
    }));
    drop(one);
    drop(call);
    assert!(other.block_on(live(&store, key(0), NOW)).is_none());
}
