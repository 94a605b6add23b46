//! Calls that share connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom::Record;
use cloakroom::store::{Created, PostgresStore, Store, Updated};
use deadpool_postgres::{Manager, Pool};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

use crate::dropping::begin_and_drop;
use crate::records::{NOW, key, live, number, record};
use crate::setup::{builder, client, fresh, on, server};
use crate::{Server, or_skip};

const PATIENCE: Duration = Duration::from_secs(60);

async fn filled(store: &PostgresStore, sessions: u8) -> Vec<Record> {
    let mut records = Vec::new();
    for n in 0..sessions {
        let record = record(n.into());
        assert_eq!(store.create(key(n), record.clone(), NOW).await.unwrap(), Created::Created);
        records.push(record);
    }
    records
}

/// A store on an application's own pool of so many connections.
fn of_pool(server: &Server, connections: usize) -> (Pool, PostgresStore) {
    let manager = Manager::new(server.url().parse().unwrap(), NoTls);
    let pool = Pool::builder(manager).max_size(connections).build().unwrap();
    let store = PostgresStore::from_pool(pool.clone()).with_namespace(fresh("test"));
    (pool, store.with_timeout(PATIENCE).build().unwrap())
}

/// Waits until this many connections of the store wait for a lock.
async fn until_waiting(beside: &Client, connections: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE application_name = 'cloakroom' AND wait_event_type = 'Lock'";
    let waiting = async {
        while beside.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) != connections {}
    };
    timeout(PATIENCE, waiting).await.expect("they wait");
}

/// Of 16 connections 4 are for reads and 8 for writes: more calls than that wait for one lock, and all are served.
#[tokio::test]
async fn more_calls_than_connections_are_on_their_way_at_a_time() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_timeout(PATIENCE).build().unwrap();
    let before = filled(&store, 40).await;
    let mut holder = client(&server.url()).await;
    let beside = client(&server.url()).await;

    let lock = holder.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE cloakroom_sessions").await.unwrap();
    let mut loads = JoinSet::new();
    for n in 0..40 {
        let store = store.clone();
        loads.spawn(async move { (n, live(&store, key(n), NOW).await) });
    }
    until_waiting(&beside, 4).await;
    lock.rollback().await.unwrap();
    while let Some(load) = loads.join_next().await {
        let (n, found) = load.unwrap();
        assert_eq!(number(&found.unwrap()), u64::from(n), "another session's record");
    }

    let lock = holder.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE cloakroom_sessions").await.unwrap();
    let mut updates = JoinSet::new();
    for (n, before) in (0..).zip(before) {
        let store = store.clone();
        updates.spawn(async move {
            store.update(key(n), record(100 + u64::from(n)), before.revision(), NOW).await
        });
    }
    until_waiting(&beside, 8).await;
    lock.rollback().await.unwrap();
    while let Some(update) = updates.join_next().await {
        assert_eq!(update.unwrap().unwrap(), Updated::Updated);
    }
    for n in 0..40 {
        let found = live(&store, key(n), NOW).await.unwrap();
        assert_eq!(number(&found), 100 + u64::from(n));
    }
    let all = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cloakroom'";
    assert_eq!(
        beside.query_one(all, &[]).await.unwrap().get::<_, i64>(0),
        8,
        "they are used again"
    );
}

/// Also when some of those that share it are given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_078_calls_that_share_a_connection_get_their_own_answers() {
    let store = or_skip!(builder().await).with_max_connections(4).build().unwrap();
    filled(&store, 64).await;
    let mut visitors = JoinSet::new();
    for n in 0..64 {
        let store = store.clone();
        visitors.spawn(async move {
            for round in 0..30 {
                if (round + n) % 3 == 0 {
                    begin_and_drop(store.load(key(n), None, NOW)).await;
                }
                let found = live(&store, key(n), NOW).await.unwrap();
                assert_eq!(number(&found), u64::from(n), "another session's record");
            }
        });
    }
    visitors.join_all().await;
}

/// A store that is always busy leaves the application its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_the_pool_of_the_application_gets_a_connection() {
    let server = or_skip!(server(&[]).await);
    let (pool, store) = of_pool(&server, 1);
    filled(&store, 8).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut visitors = JoinSet::new();
    for n in 0..8 {
        let (store, done) = (store.clone(), done.clone());
        visitors.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(number(&live(&store, key(n), NOW).await.unwrap()), u64::from(n));
            }
        });
    }
    for _ in 0..20 {
        let connection = timeout(PATIENCE, pool.get()).await.expect("a turn");
        connection.unwrap().query_one("SELECT 1", &[]).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    visitors.join_all().await;
}

/// Where the application holds nearly all of its pool, more calls than that share what is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_share_what_is_left_of_the_pool_of_the_application() {
    let server = or_skip!(server(&[]).await);
    let (pool, store) = of_pool(&server, 8);
    let before = filled(&store, 20).await;
    let mut held = Vec::new();
    for _ in 0..7 {
        held.push(pool.get().await.unwrap());
    }
    let mut updates = JoinSet::new();
    for (n, before) in (0..).zip(before) {
        let store = store.clone();
        updates.spawn(async move {
            store.update(key(n), record(100 + u64::from(n)), before.revision(), NOW).await
        });
    }
    while let Some(update) = updates.join_next().await {
        assert_eq!(update.unwrap().unwrap(), Updated::Updated);
    }
    for n in 0..20 {
        let found = live(&store, key(n), NOW).await.unwrap();
        assert_eq!(number(&found), 100 + u64::from(n));
    }
    assert_eq!(pool.status().size, 8);
}
