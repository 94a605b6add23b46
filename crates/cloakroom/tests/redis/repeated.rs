//! Ends that are asked for again because too few replicas had confirmed them.

use std::time::Duration;

use cloakroom::store::{Created, Ended, Lookup};
use cloakroom::testkit::TestClock;
use cloakroom::{RedisStoreBuilder, ServerSideSessionBackend, ServerSideSessionConfig, Store as _};
use cloakroom_servers::{RedisCluster, RedisServer, Weather, required};
use redis::AsyncCommands as _;

use crate::commands::commands;
use crate::common::{START, connection, create, handle, keys, live, of_subject, patient, record};
use crate::replicas::{LONG, SHORT, confirmed, replicated, unconfirmed};

/// The replica in the place of its master, which is lost.
fn fail_over(master: RedisServer, replica: &RedisServer) {
    master.kill().expect("it runs");
    replica.cli(&["REPLICAOF", "NO", "ONE"]).expect("it runs");
}

/// What a backend does at the moment at which the records of these tests were made.
fn backend(store: cloakroom::RedisStore) -> ServerSideSessionBackend {
    let clock = TestClock::new();
    clock.set(START);
    let config = ServerSideSessionConfig::default();
    ServerSideSessionBackend::new(store, config).expect("a configuration").with_clock(clock)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_an_end_that_is_repeated_is_confirmed_or_fails_again() {
    for remember in [Duration::from_secs(60 * 60), Duration::ZERO] {
        let Some((master, proxy, replica)) = replicated() else { return };
        let builder = RedisStoreBuilder::from_url(&master.url()).unwrap().with_timeout(2 * LONG);
        let builder = builder.with_remembered_ends(remember);
        let store = builder.clone().with_replicas(1, LONG).build().unwrap();
        create(&store, 1, &record(1)).await;
        let hasty = builder.with_replicas(1, SHORT).build().unwrap();
        proxy.set(Weather::Silent);
        for _ in 0..3 {
            unconfirmed(hasty.delete(handle(1), Ended::Revoked, START).await);
        }
        proxy.set(Weather::Fair);
        assert!(!store.delete(handle(1), Ended::Revoked, START).await.unwrap());
        fail_over(master, &replica);
        let after = patient(&replica.url()).await;
        let why = (!remember.is_zero()).then_some(Ended::Revoked);
        match after.load(handle(1), None, START).await.unwrap() {
            Lookup::Absent(found) => assert_eq!(found, why),
            Lookup::Live(_) => panic!("it is back"),
        }
        let created = after.create(handle(1), record(1), START).await.unwrap();
        assert_eq!(created, Created::Created);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_signing_out_everywhere_again_has_confirmed_what_was_not() {
    let Some((master, proxy, replica)) = replicated() else { return };
    let store = confirmed(&master.url(), 1, LONG).await;
    for n in 0..3 {
        create(&store, n, &of_subject(n, "ada")).await;
    }
    proxy.set(Weather::Silent);
    let sessions = backend(confirmed(&master.url(), 1, SHORT).await).sessions();
    unconfirmed(sessions.revoke_all("ada").await);
    assert_eq!(sessions.of("ada").await.unwrap().len(), 0, "a list waits for nobody");
    unconfirmed(sessions.revoke_all("ada").await);
    unconfirmed(sessions.revoke_of("ada", handle(1)).await);
    proxy.set(Weather::Fair);
    let sessions = backend(store).sessions();
    assert_eq!(sessions.revoke_all("ada").await.unwrap(), 0);
    fail_over(master, &replica);
    let after = patient(&replica.url()).await;
    for n in 0..3 {
        assert!(live(&after, n, START).await.is_none(), "session {n}");
    }
}

/// The servers of the sessions are others than that of the index.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_signing_out_everywhere_again_asks_each_server_of_a_cluster() {
    let Some(cluster) = required("redis-server", RedisCluster::start()) else { return };
    for master in cluster.masters() {
        master.wait_for_replicas(1).unwrap();
    }
    let store = confirmed(&cluster.url(), 1, LONG).await;
    for n in 0..30 {
        create(&store, n, &of_subject(n, "ada")).await;
    }
    // Of these ends, no replica need have heard.
    let alone = patient(&cluster.url()).await;
    for n in 0..30 {
        assert!(alone.delete(handle(n), Ended::Revoked, START).await.unwrap());
    }
    for master in cluster.masters() {
        commands(master);
    }
    assert_eq!(backend(store).sessions().revoke_all("ada").await.unwrap(), 0);
    for master in cluster.masters() {
        let done = commands(master);
        assert!(done.contains_key("pexpire") && done.contains_key("wait"), "{done:?}");
    }
}

/// Entries of what ended go once that is confirmed, also where nobody ends anything again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_070_the_index_shrinks_where_replicas_confirm_ends() {
    let Some((master, _proxy, _replica)) = replicated() else { return };
    let store = confirmed(&master.url(), 1, LONG).await;
    for n in 0..3 {
        create(&store, n, &of_subject(n, "ada")).await;
    }
    assert!(store.delete(handle(0), Ended::Destroyed, START).await.unwrap());
    let mut raw = connection(&master.url()).await;
    let index = keys(&mut raw).await.into_iter().find(|key| key.contains(":u:")).unwrap();
    let directory = store.directory().unwrap();
    assert_eq!(directory.by_subject("ada", START).await.unwrap().len(), 2);
    let shrunk = tokio::time::timeout(LONG, async {
        while raw.zcard::<_, usize>(&index).await.unwrap() > 2 {
            tokio::task::yield_now().await;
        }
    });
    shrunk.await.expect("the list has it removed");
}

/// Where no replica is asked for, to end something again writes nothing.
#[tokio::test]
async fn an_end_that_is_repeated_costs_what_it_must() {
    let Some((master, _proxy, _replica)) = replicated() else { return };
    let (plain, store) = (patient(&master.url()).await, confirmed(&master.url(), 1, LONG).await);
    create(&plain, 1, &record(1)).await;
    for store in [&plain, &store] {
        store.delete(handle(1), Ended::Destroyed, START).await.unwrap();
    }
    commands(&master);
    for (store, expected) in [
        (&plain, &["evalsha", "get"][..]),
        (&store, &["evalsha", "get", "pexpire", "pttl", "wait"]),
    ] {
        assert!(!store.delete(handle(1), Ended::Destroyed, START).await.unwrap());
        let mut done = commands(&master);
        // What the replica says by itself.
        done.retain(|name, _| !["replconf", "ping", "select"].contains(&name.as_str()));
        assert_eq!(done.into_keys().collect::<Vec<_>>(), expected);
    }
}
