//! A server that cuts connections.

use cloakroom::ErrorKind;
use cloakroom::store::{Created, Store};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};

use crate::or_skip;
use crate::outages::works_again;
use crate::records::{NOW, key, live, number, record};
use crate::setup::{client, on, server};

/// Cuts all other connections to the server that a condition picks; how many.
async fn cut(beside: &mut Conn, condition: &str) -> usize {
    let sql = format!(
        "SELECT id FROM information_schema.processlist \
         WHERE user = 'cloakroom' AND id <> CONNECTION_ID() {condition}"
    );
    let ids: Vec<u64> = beside.query(sql).await.unwrap();
    for id in &ids {
        // It may have ended by itself.
        let _ = beside.query_drop(format!("KILL {id}")).await;
    }
    ids.len()
}

#[tokio::test]
async fn connections_that_the_server_cut_are_replaced() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_max_connections(4).build().unwrap();
    assert_eq!(store.create(key(0), record(0), NOW).await.unwrap(), Created::Created);
    let mut beside = client(&server.url()).await;
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
        assert!(cut(&mut beside, "").await > 0);
        works_again(&store, 4).await;
        assert_eq!(number(&live(&store, key(0), NOW).await.unwrap()), 0);
    }
}

/// MySQL sends why, unasked: no call takes that for its answer.
#[tokio::test]
async fn connections_that_were_idle_for_too_long_are_replaced() {
    let server = or_skip!(server(&[]).await);
    let mut beside = client(&server.url()).await;
    // Longer than the store trusts a connection that it has not asked.
    beside.query_drop("SET GLOBAL wait_timeout = 2").await.unwrap();
    let store = on(&server).with_max_connections(1).build().unwrap();
    for n in 0..2 {
        assert_eq!(store.create(key(n), record(0), NOW).await.unwrap(), Created::Created);
        let others = "SELECT COUNT(*) FROM information_schema.processlist \
                      WHERE user = 'cloakroom' AND id <> CONNECTION_ID()";
        while beside.query_first::<u64, _>(others).await.unwrap() != Some(0) {}
    }
    assert!(live(&store, key(1), NOW).await.is_some());
}

/// Its row is locked by another; the connection is cut while it waits.
#[tokio::test]
async fn a_call_that_is_cut_off_is_an_error_and_changes_nothing() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).build().unwrap();
    let first = record(1);
    assert_eq!(store.create(key(0), first.clone(), NOW).await.unwrap(), Created::Created);
    let mut holder = client(&server.url()).await;
    let mut beside = client(&server.url()).await;
    let mut lock = holder.start_transaction(TxOpts::default()).await.unwrap();
    lock.query_drop("SELECT 1 FROM cloakroom_sessions FOR UPDATE").await.unwrap();
    let call = tokio::spawn({
        let (store, first) = (store.clone(), first.clone());
        async move { store.update(key(0), record(2), first.revision(), NOW).await }
    });
    while cut(&mut beside, "AND info LIKE 'UPDATE%'").await == 0 {}
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    lock.rollback().await.unwrap();
    let found = live(&store, key(0), NOW).await.unwrap();
    assert_eq!(found.to_bytes(), first.to_bytes());
}
