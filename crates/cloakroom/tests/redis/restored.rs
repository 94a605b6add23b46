//! A server that was emptied, or put back to an older copy.

use cloakroom::store::{Ended, Lookup, Updated};
use cloakroom::{RedisStore, Store as _};
use cloakroom_servers::{RedisServer, required};

use crate::common::{MAX_AGE, START, create, handle, live, of_subject, patient, record, server};

/// As after a failover to a replica that had nothing: nobody is signed in, and nothing comes back.
#[tokio::test]
async fn s_072_an_emptied_server_has_no_session_and_gets_none_back() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let made: Vec<_> = (0..20).map(|n| of_subject(n, "ada")).collect();
    for (n, made) in (0..).zip(&made) {
        create(&store, n, made).await;
    }
    server.cli(&["FLUSHALL"]).unwrap();
    for (n, made) in (0..).zip(&made) {
        let found = store.load(handle(n), None, START).await.unwrap();
        assert!(matches!(found, Lookup::Absent(None)), "{found:?}");
        let updated = store.update(handle(n), record(n), made.revision(), START).await.unwrap();
        assert_eq!(updated, Updated::Gone);
        assert!(!store.touch(handle(n), START.plus(MAX_AGE), START).await.unwrap());
        assert!(!store.delete(handle(n), Ended::Revoked, START).await.unwrap());
        assert!(live(&store, n, START).await.is_none());
    }
    assert_eq!(server.cli(&["DBSIZE"]).unwrap().trim(), "0");
    create(&store, 1, &made[1]).await;
    let directory = store.directory().unwrap();
    assert_eq!(directory.by_subject("ada", START).await.unwrap().len(), 1);
}

/// The copy has what it had; so whoever restores one changes the namespace, and nothing of before counts.
#[tokio::test]
async fn s_072_an_older_copy_has_what_it_had_and_another_namespace_has_none_of_it() {
    let options = ["--save", "", "--appendonly", "no"];
    let Some(server) = required("redis-server", RedisServer::start_with(&options)) else { return };
    let root = patient(&server.url()).await;
    let store = root.with_namespace("first");
    for n in 0..3 {
        create(&store, n, &of_subject(n, "ada")).await;
    }
    server.cli(&["SAVE"]).unwrap();
    assert!(store.delete(handle(1), Ended::Revoked, START).await.unwrap());
    let server = server.kill().unwrap().restart().unwrap();

    let root = patient(&server.url()).await;
    let restored = root.with_namespace("first");
    assert!(live(&restored, 1, START).await.is_some());
    assert!(live(&restored, 1, START.plus(MAX_AGE)).await.is_none());
    let next = root.with_namespace("second");
    for n in 0..3 {
        assert!(live(&next, n, START).await.is_none());
        assert!(!next.touch(handle(n), START.plus(MAX_AGE), START).await.unwrap());
    }
    let directory = next.directory().unwrap();
    assert!(directory.by_subject("ada", START).await.unwrap().is_empty());
}
