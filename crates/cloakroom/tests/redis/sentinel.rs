//! Redis behind sentinels: the master changes, the store follows.

use cloakroom::store::{Created, Ended};
use cloakroom::{ErrorKind, RedisStore, Store as _};
use cloakroom_servers::{RedisSentinels, required};

use crate::common::{START, create, handle, namespace, patient, record, recover};

/// An empty store in a namespace of its own behind the shared sentinels; `None` without them.
pub(crate) async fn store() -> Option<RedisStore> {
    let url = required("redis-server", RedisSentinels::shared())?;
    let store = RedisStore::connect(&url).await.expect("they run");
    Some(store.with_namespace(&namespace()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_099_a_master_that_is_lost_is_followed_by_another() {
    let Some(mut all) = required("redis-server", RedisSentinels::start()) else { return };
    let store = patient(&all.url()).await;
    for n in 0..50 {
        create(&store, n, &record(n)).await;
    }
    for n in 0..10 {
        assert!(store.delete(handle(n), Ended::Destroyed, START).await.unwrap());
    }
    let lost = all.master_port().unwrap();
    let master = all.servers().iter().find(|server| server.port() == lost).unwrap();
    master.wait_for_replicas(2).unwrap();
    all.kill(lost).unwrap();
    let error = store.load(handle(20), None, START).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    all.wait_for_another(lost).unwrap();
    for n in 0..50 {
        assert_eq!(recover(&store, n).await.is_some(), n >= 10, "session {n}");
    }
    assert_eq!(store.create(handle(99), record(99), START).await.unwrap(), Created::Created);
}

/// A server that was made a replica by hand keeps its connections, and answers `READONLY` to writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_was_demoted_is_left() {
    let Some(all) = required("redis-server", RedisSentinels::start()) else { return };
    let store = patient(&all.url()).await;
    create(&store, 1, &record(1)).await;
    let port = all.master_port().unwrap();
    let master = all.servers().iter().find(|server| server.port() == port).unwrap();
    let other = all.servers().iter().find(|server| server.port() != port).unwrap();
    master.wait_for_replicas(2).unwrap();
    master.cli(&["REPLICAOF", "127.0.0.1", &other.port().to_string()]).unwrap();
    let error = store.create(handle(2), record(2), START).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("takes no writes"), "{error}");
    // The sentinels still name it, but it says itself that it is none.
    let error = store.create(handle(2), record(2), START).await.unwrap_err();
    assert!(error.to_string().contains("no server is known"), "{error}");
    master.cli(&["REPLICAOF", "NO", "ONE"]).unwrap();
    assert!(recover(&store, 1).await.is_some());
    assert_eq!(store.create(handle(2), record(2), START).await.unwrap(), Created::Created);
}
