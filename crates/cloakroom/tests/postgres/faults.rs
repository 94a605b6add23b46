//! A server that cuts connections, and callers that give up.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloakroom::ErrorKind;
use cloakroom::store::{Created, Ended, PostgresStore, Store, Updated};

use crate::dropping::begin_and_drop;
use crate::or_skip;
use crate::outages::works_again;
use crate::records::{NOW, key, live, number, record};
use crate::setup::{builder, client, fresh, on, server, shared_client};

#[tokio::test]
async fn connections_that_the_server_cut_are_replaced() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_max_connections(4).build().unwrap();
    assert_eq!(store.create(key(0), record(0), NOW).await.unwrap(), Created::Created);
    let beside = client(&server.url()).await;
    for _ in 0..5 {
        let loads: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.load(key(0), None, NOW).await.is_ok() })
            })
            .collect();
        for load in loads {
            assert!(load.await.unwrap());
        }
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE application_name = 'cloakroom'";
        assert!(beside.query_one(cut, &[]).await.unwrap().get::<_, i64>(0) > 0);
        works_again(&store, 4).await;
        assert_eq!(number(&live(&store, key(0), NOW).await.unwrap()), 0);
    }
}

/// Its row is locked by another; the connection is cut while it waits.
#[tokio::test]
async fn a_call_that_is_cut_off_is_an_error_and_changes_nothing() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).build().unwrap();
    let first = record(1);
    assert_eq!(store.create(key(0), first.clone(), NOW).await.unwrap(), Created::Created);
    let mut holder = client(&server.url()).await;
    let beside = client(&server.url()).await;
    let lock = holder.transaction().await.unwrap();
    lock.query("SELECT FROM cloakroom_sessions FOR UPDATE", &[]).await.unwrap();
    let call = tokio::spawn({
        let (store, first) = (store.clone(), first.clone());
        async move { store.update(key(0), record(2), first.revision(), NOW).await }
    });
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'cloakroom' AND wait_event_type = 'Lock'";
    while beside.query_one(cut, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    lock.rollback().await.unwrap();
    let found = live(&store, key(0), NOW).await.unwrap();
    assert_eq!(found.to_bytes(), first.to_bytes());
}

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
        let next = record(*count + 1);
        let mut update = pin!(store.update(key(n), next, before.revision(), NOW));
        // How often it is polled before it is given up; the first poll only asks.
        let mut polls = round / 8 % 4;
        let outcome = poll_fn(|cx| match update.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if polls == 0 => Poll::Ready(None),
            Poll::Pending => {
                polls -= 1;
                Poll::Pending
            }
        });
        match outcome.await {
            Some(outcome) => {
                assert_eq!(outcome.unwrap(), Updated::Updated);
                *count += 1;
                finished += 1;
            }
            None => dropped += 1,
        }
    }
    assert!(dropped > 100, "{dropped} were dropped, {finished} finished");
    // Every permit of the pool of one is back.
    assert!(store.delete(key(0), Ended::Destroyed, NOW).await.unwrap());
}

/// The processes of the server that serve an application of this name.
async fn processes(name: &str) -> Vec<i32> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
    let rows = shared_client().await.query(sql, &[&name]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// A store of one connection, by whose name the server knows it.
async fn of_name(name: &str, timeout: Duration) -> Option<PostgresStore> {
    let builder = crate::setup::with_options(&format!("&application_name={name}")).await?;
    Some(builder.with_max_connections(1).with_timeout(timeout).build().expect("settings"))
}

/// Visitors who hang up cost the server no connection.
#[tokio::test]
async fn s_078_a_connection_whose_caller_is_gone_serves_again() {
    let name = fresh("dropper");
    let store = or_skip!(of_name(&name, Duration::from_secs(60)).await);
    assert_eq!(store.create(key(0), record(0), NOW).await.unwrap(), Created::Created);
    let process = processes(&name).await;
    assert_eq!(process.len(), 1);
    for _ in 0..10 {
        begin_and_drop(store.load(key(0), None, NOW)).await;
        assert_eq!(number(&live(&store, key(0), NOW).await.unwrap()), 0);
    }
    assert_eq!(processes(&name).await, process, "answered in time, it serves again");
}

/// Nor does one that is still busy serve anyone else.
#[tokio::test]
async fn s_078_a_connection_in_the_middle_of_a_command_is_not_pooled() {
    let name = fresh("dropper");
    let store = or_skip!(of_name(&name, Duration::from_millis(500)).await);
    let first = record(0);
    // In its short time, on a busy machine, not at once.
    while store.create(key(0), first.clone(), NOW).await.is_err() {}
    let process = processes(&name).await;

    let mut holder = shared_client().await;
    let lock = holder.transaction().await.unwrap();
    let sql = "SELECT FROM cloakroom_sessions WHERE handle = $1 FOR UPDATE";
    lock.query(sql, &[&&key(0).as_bytes()[..]]).await.unwrap();
    begin_and_drop(store.update(key(0), record(1), first.revision(), NOW)).await;
    // It waits for the row; another call, in its turn, waits for it, or for another connection.
    while store.load(key(9), None, NOW).await.is_err() {}
    assert_ne!(processes(&name).await, process, "not answered in time, it is closed");
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
