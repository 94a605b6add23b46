//! Redis Cluster: six servers, slots that move, a master that is lost.

use std::process::Command;

use cloakroom::store::{Created, Ended, Updated};
use cloakroom::{ErrorKind, RedisStore, Store as _};
use cloakroom_servers::{RedisCluster, required};

use crate::common::{START, create, handle, live, namespace, of_subject, patient, record, recover};

/// An empty store in a namespace of its own on the shared Cluster; `None` without one.
pub(crate) async fn store() -> Option<RedisStore> {
    let url = required("redis-server", RedisCluster::shared())?;
    let store = RedisStore::connect(&url).await.expect("the Cluster runs");
    Some(store.with_namespace(&namespace()))
}

#[tokio::test]
async fn lists_go_over_all_servers() {
    let Some(store) = store().await else { return };
    for n in 0..200 {
        create(&store, n, &of_subject(n, "ada")).await;
    }
    let directory = store.directory().unwrap();
    assert_eq!(directory.count(START).await.unwrap(), 200);
    assert_eq!(directory.page(None, 1000, START).await.unwrap().len(), 200);
    assert_eq!(directory.by_subject("ada", START).await.unwrap().len(), 200);
}

/// What the server counts: a sign-in tells the index first, everything else is one command.
#[tokio::test]
async fn a_write_of_the_same_subject_does_not_tell_the_index_again() {
    let Some(cluster) = required("redis-server", RedisCluster::start()) else { return };
    let store = patient(&cluster.url()).await;
    let scripts = || -> u64 {
        let of = |server: &cloakroom_servers::RedisServer| {
            let stats = server.cli(&["INFO", "commandstats"]).unwrap();
            let calls = stats.lines().find_map(|line| {
                line.strip_prefix("cmdstat_evalsha:calls=")?.split_once(',')?.0.parse().ok()
            });
            calls.unwrap_or(0_u64)
        };
        cluster.running().map(of).sum()
    };
    // Every server learns every script first.
    for n in 0..100 {
        let first = record(n);
        create(&store, n, &first).await;
        let signed_in = of_subject(n, "ada");
        let _ = store.update(handle(n), signed_in, first.revision(), START).await.unwrap();
    }
    let before = scripts();
    let mut present = of_subject(200, "ada");
    create(&store, 200, &present).await;
    assert_eq!(scripts() - before, 2);
    for _ in 0..10 {
        let next = of_subject(200, "ada");
        let updated = store.update(handle(200), next.clone(), present.revision(), START).await;
        assert_eq!(updated.unwrap(), Updated::Updated);
        present = next;
    }
    assert_eq!(scripts() - before, 12);
}

/// Moves a third of all slots to another server while sessions are written and read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_take_their_sessions_along() {
    let Some(cluster) = required("redis-server", RedisCluster::start()) else { return };
    let store = patient(&cluster.url()).await;
    for n in 0..500 {
        create(&store, n, &record(n)).await;
    }
    let masters = cluster.masters();
    let ids: Vec<_> =
        masters.iter().map(|it| it.cli(&["CLUSTER", "MYID"]).unwrap().trim().to_owned()).collect();
    let mut moving = Command::new("redis-cli")
        .args(["--cluster", "reshard", &format!("127.0.0.1:{}", masters[0].port())])
        .args(["--cluster-from", &ids[0], "--cluster-to", &ids[1]])
        .args(["--cluster-slots", "3000", "--cluster-yes"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut round = 0;
    while moving.try_wait().unwrap().is_none() || round < 3 {
        for n in 0..500 {
            let found = live(&store, n, START).await.expect("it is there wherever it is");
            let next = record(n);
            let updated = store.update(handle(n), next, found.revision(), START).await.unwrap();
            assert_eq!(updated, Updated::Updated);
        }
        round += 1;
    }
    assert!(moving.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_a_master_that_is_lost_is_replaced_and_only_its_sessions_wait() {
    let Some(mut cluster) = required("redis-server", RedisCluster::start()) else { return };
    let store = patient(&cluster.url()).await;
    for n in 0..300 {
        create(&store, n, &record(n)).await;
    }
    for n in 0..100 {
        assert!(store.delete(handle(n), Ended::Destroyed, START).await.unwrap());
    }
    // What a replica has not heard of may be lost with its master: that is what Redis promises.
    for master in cluster.masters() {
        master.wait_for_replicas(1).unwrap();
    }
    let lost = cluster.masters()[0].port();
    cluster.kill(lost).unwrap();
    let mut refused = 0;
    for n in 0..300 {
        match store.load(handle(n), None, START).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused < 200, "{refused} of 300 were refused, with two masters of three");
    cluster.wait_until_whole().unwrap();
    for n in 0..300 {
        assert_eq!(recover(&store, n).await.is_some(), n >= 100, "session {n}");
    }
    for n in 300..330 {
        let created = store.create(handle(n), record(n), START).await.unwrap();
        assert_eq!(created, Created::Created);
    }
}
