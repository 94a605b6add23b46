//! Writes that replicas confirm: what a failover then keeps, and what is told if they do not.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::{Ended, Updated};
use cloakroom::{
    Error, ErrorKind, RedisStore, RedisStoreBuilder, ServerSideSessionBackend,
    ServerSideSessionConfig, Store as _,
};
use cloakroom_servers::{Proxy, RedisCluster, RedisSentinels, RedisServer, Weather, required};

use crate::commands::commands;
use crate::common::{START, create, handle, live, namespace, patient, record, recover, server};

/// Far longer than a replica takes that is well.
pub(crate) const LONG: Duration = Duration::from_secs(10);
/// For replicas that will not confirm anything.
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// A store whose writes this many replicas confirm.
pub(crate) async fn confirmed(url: &str, replicas: u32, within: Duration) -> RedisStore {
    let builder = RedisStoreBuilder::from_url(url).expect("a URL").with_timeout(2 * LONG);
    builder.with_replicas(replicas, within).connect().await.expect("it runs")
}

/// The conformance suite runs on it, too.
pub(crate) async fn store() -> Option<RedisStore> {
    let url = required("redis-server", RedisSentinels::shared())?;
    Some(confirmed(&url, 1, LONG).await.with_namespace(&namespace()))
}

/// A server and its replica, behind a proxy that can keep everything from it; `None` without Redis.
pub(crate) fn replicated() -> Option<(RedisServer, Proxy, RedisServer)> {
    let master = server()?;
    let proxy = Proxy::start(master.port()).expect("a socket");
    let port = proxy.port().to_string();
    let options = ["--save", "", "--replicaof", "127.0.0.1", &port];
    let replica = RedisServer::start_with(&options).expect("it starts").expect("it is installed");
    master.wait_for_replicas(1).expect("it runs");
    Some((master, proxy, replica))
}

#[track_caller]
pub(crate) fn unconfirmed<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.expect_err("no replica has it");
    assert_eq!((error.kind(), error.store()), (ErrorKind::Unavailable, Some("redis")));
    assert!(error.to_string().contains("fewer replicas"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_what_a_replica_confirmed_outlives_the_master_and_nothing_else_must() {
    let Some((master, proxy, replica)) = replicated() else { return };
    let store = confirmed(&master.url(), 1, LONG).await;
    let mut revisions = Vec::new();
    for n in 0..40 {
        let made = record(n);
        create(&store, n, &made).await;
        revisions.push(made.revision());
    }
    for n in 0..10 {
        assert!(store.delete(handle(n), Ended::Destroyed, START).await.unwrap());
    }
    for n in 10..20 {
        let next = record(n + 1000);
        let updated = store.update(handle(n), next, revisions[n as usize], START).await.unwrap();
        assert_eq!(updated, Updated::Updated);
    }

    proxy.set(Weather::Silent);
    // Without replicas asked for, an end is acknowledged that only the master has.
    let alone = patient(&master.url()).await;
    assert!(alone.delete(handle(20), Ended::Destroyed, START).await.unwrap());
    let store = confirmed(&master.url(), 1, SHORT).await;
    unconfirmed(store.delete(handle(21), Ended::Revoked, START).await);
    unconfirmed(store.update(handle(22), record(1022), revisions[22], START).await);
    unconfirmed(store.create(handle(50), record(50), START).await);
    // The master has them all the same, and reads need no replica.
    assert!(live(&store, 21, START).await.is_none());
    assert!(live(&store, 22, START).await.unwrap().revision() != revisions[22]);
    assert!(live(&store, 50, START).await.is_some());
    // What writes nothing has nothing to be confirmed.
    let updated = store.update(handle(22), record(1), revisions[22], START).await.unwrap();
    assert_eq!(updated, Updated::Conflict);
    assert!(!store.delete(handle(70), Ended::Revoked, START).await.unwrap());
    // Nor is an end taken for confirmed because it is there already.
    unconfirmed(store.delete(handle(21), Ended::Revoked, START).await);

    master.kill().unwrap();
    replica.cli(&["REPLICAOF", "NO", "ONE"]).unwrap();
    let after = patient(&replica.url()).await;
    for n in 0..40 {
        let found = live(&after, n, START).await;
        assert_eq!(found.is_some(), n >= 10, "session {n}");
        if let Some(found) = found.filter(|_| n < 20) {
            assert!(found.revision() != revisions[n as usize], "session {n}");
        }
    }
    // Those whose end nobody confirmed are back: that is what is told, and what replicas are asked for.
    assert!(live(&after, 20, START).await.is_some() && live(&after, 21, START).await.is_some());
    assert!(live(&after, 50, START).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_do_not_wait_for_a_replica_that_writes_wait_for() {
    let Some((master, proxy, _replica)) = replicated() else { return };
    let store = confirmed(&master.url(), 1, LONG).await;
    create(&store, 1, &record(1)).await;
    create(&store, 2, &record(2)).await;
    proxy.set(Weather::Silent);
    let writer = store.clone();
    let ending =
        tokio::spawn(async move { writer.delete(handle(1), Ended::Destroyed, START).await });
    // Until the server holds the connection that the end came on.
    while !master.cli(&["INFO", "clients"]).unwrap().contains("blocked_clients:1") {
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        assert!(live(&store, 2, START).await.is_some());
    }
    assert!(!ending.is_finished());
    proxy.set(Weather::Fair);
    assert!(ending.await.unwrap().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_a_failover_behind_sentinels_keeps_every_end_that_was_confirmed() {
    let Some(mut all) = required("redis-server", RedisSentinels::start()) else { return };
    // Whichever of the two is chosen has it.
    let store = confirmed(&all.url(), 2, LONG).await;
    for n in 0..50 {
        create(&store, n, &record(n)).await;
    }
    let ends: Vec<_> = (0..25)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.delete(handle(n), Ended::Destroyed, START).await })
        })
        .collect();
    for end in ends {
        assert!(end.await.unwrap().unwrap());
    }
    let lost = all.master_port().unwrap();
    all.kill(lost).unwrap();
    all.wait_for_another(lost).unwrap();
    for n in 0..50 {
        assert_eq!(recover(&store, n).await.is_some(), n >= 25, "session {n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_a_cluster_keeps_every_end_that_was_confirmed() {
    let Some(mut cluster) = required("redis-server", RedisCluster::start()) else { return };
    for master in cluster.masters() {
        master.wait_for_replicas(1).unwrap();
    }
    let store = confirmed(&cluster.url(), 1, LONG).await;
    for n in 0..90 {
        create(&store, n, &record(n)).await;
    }
    for n in 0..45 {
        assert!(store.delete(handle(n), Ended::Destroyed, START).await.unwrap());
    }
    let lost = cluster.masters()[0].port();
    cluster.kill(lost).unwrap();
    cluster.wait_until_whole().unwrap();
    for n in 0..90 {
        assert_eq!(recover(&store, n).await.is_some(), n >= 45, "session {n}");
    }
}

/// One command more for each write, none for a read.
#[tokio::test]
async fn a_write_that_is_confirmed_is_two_commands() {
    let Some((master, _proxy, _replica)) = replicated() else { return };
    let store = confirmed(&master.url(), 1, LONG).await;
    let made = record(1);
    create(&store, 0, &record(0)).await;
    assert!(store.delete(handle(0), Ended::Destroyed, START).await.unwrap());
    create(&store, 1, &made).await;
    commands(&master);
    let asked = |master: &RedisServer| {
        let mut done = commands(master);
        // What the replica says by itself.
        done.retain(|name, _| !["replconf", "ping", "select"].contains(&name.as_str()));
        done.into_iter().collect::<Vec<_>>()
    };
    assert!(live(&store, 1, START).await.is_some());
    assert_eq!(asked(&master), [("get".to_owned(), 1)]);
    assert!(store.delete(handle(1), Ended::Destroyed, START).await.unwrap());
    let expected = [("evalsha", 1), ("get", 1), ("set", 1), ("wait", 1)];
    assert_eq!(asked(&master), expected.map(|(name, count)| (name.to_owned(), count)));
}

/// The server refuses before it writes, which no `WAIT` can.
#[tokio::test]
async fn a_server_with_too_few_replicas_refuses_and_changes_nothing() {
    let Some(server) = server() else { return };
    let store = patient(&server.url()).await;
    let made = record(1);
    create(&store, 1, &made).await;
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "1"]).unwrap();
    for error in [
        store.create(handle(2), record(2), START).await.map(drop).unwrap_err(),
        store.update(handle(1), record(2), made.revision(), START).await.map(drop).unwrap_err(),
        store.delete(handle(1), Ended::Destroyed, START).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("min-replicas-to-write"), "{error}");
    }
    assert_eq!(live(&store, 1, START).await.unwrap().to_bytes(), made.to_bytes());
    assert!(live(&store, 2, START).await.is_none());
}

/// A change is found stored, and the visitor goes on with it. An end that may be undone is not answered as if it were one.
#[tokio::test]
async fn s_099_a_sign_out_that_no_replica_confirmed_is_503_and_the_cookie_goes() {
    let Some(server) = server() else { return };
    let store = Arc::new(confirmed(&server.url(), 1, SHORT).await);
    let config = ServerSideSessionConfig::default();
    let backend = ServerSideSessionBackend::new(store, config).unwrap();
    let session = backend.load_from_connection([]).await.unwrap();
    session.sign_in("ada").unwrap();
    let (headers, outcome) = backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    let cookie = headers.set_cookie.unwrap();
    let cookie = cookie.split(';').next().unwrap().as_bytes();

    let session = backend.load_from_connection([cookie]).await.unwrap();
    assert!(session.exists());
    session.sign_out().unwrap();
    let (headers, outcome) = backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind().http_status(), 503);
    assert!(headers.set_cookie.unwrap().contains("Max-Age=0"));
    assert!(!backend.load_from_connection([cookie]).await.unwrap().exists());
}
