//! Ways to a store, and what it says when there is none.

use std::error::Error as _;

use cloakroom::store::{Created, PostgresStore, PostgresStoreBuilder, Store, open};
use cloakroom::{Error, ErrorKind};
use cloakroom_servers::{Postgres, free_port};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::NoTls;

use crate::or_skip;
use crate::records::{NOW, key, live, record};
use crate::setup::{fresh, store};

/// All that an error tells, its causes included.
fn told(error: &Error) -> String {
    let mut told = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        told.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    told
}

#[tokio::test]
async fn a_url_opens_a_store() {
    or_skip!(store().await);
    let url = Postgres::shared().unwrap();
    let namespace = fresh("test");
    let opened = open(&format!("{url}?namespace={namespace}&timeout=5s")).await.unwrap();
    assert_eq!(opened.name(), "postgres");
    assert_eq!(opened.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    let same = PostgresStore::open(url).await.unwrap().with_namespace(&namespace).unwrap();
    assert!(live(&same, key(1), NOW).await.is_some());
}

#[tokio::test]
async fn a_pool_of_the_application_serves() {
    or_skip!(store().await);
    let config = Postgres::shared().unwrap().parse().unwrap();
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config, NoTls, recycling);
    let pool = Pool::builder(manager).max_size(2).build().unwrap();
    let builder = PostgresStore::from_pool(pool.clone()).with_namespace(fresh("test"));
    let store = builder.build().unwrap();
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    assert!(live(&store, key(1), NOW).await.is_some());
    assert_eq!(pool.status().size, 1);
    pool.close();
    let error = store.load(key(1), None, NOW).await.unwrap_err();
    assert!(error.to_string().contains("closed by the application"), "{error}");
}

/// S-84: handles are the same, sessions are not; names are compared whole.
#[tokio::test]
async fn s_084_namespaces_never_meet() {
    let store = or_skip!(store().await);
    let prefix = fresh("ns");
    let names = ["", "a", "ab", "a.b", "A"].map(|name| format!("{prefix}{name}"));
    for (n, name) in (0..).zip(&names) {
        let named = store.with_namespace(name).unwrap();
        assert_eq!(named.create(key(1), record(n), NOW).await.unwrap(), Created::Created);
    }
    for (n, name) in (0..).zip(&names) {
        let named = store.with_namespace(name).unwrap();
        let found = live(&named, key(1), NOW).await.expect("live");
        assert_eq!(crate::records::number(&found), n);
        assert_eq!(named.directory().unwrap().count(NOW).await.unwrap(), 1);
    }
    assert!(live(&store, key(1), NOW).await.is_none());
    assert!(store.with_namespace("a'b").is_err());
}

/// S-82: what one instance was told, another sees.
#[tokio::test]
async fn s_082_instances_share_the_sessions() {
    let builder = or_skip!(crate::setup::builder().await);
    let namespace = fresh("test");
    let one = builder.with_namespace(&namespace).build().unwrap();
    let other = crate::setup::builder().await.unwrap().with_namespace(&namespace).build().unwrap();
    assert_eq!(one.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    assert!(live(&other, key(1), NOW).await.is_some());
    assert!(other.delete(key(1), cloakroom::store::Ended::Revoked, NOW).await.unwrap());
    assert!(live(&one, key(1), NOW).await.is_none());
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do_and_gives_nothing_away() {
    let port = free_port().unwrap();
    let error = open(&format!("postgres://ada:hunter2@127.0.0.1:{port}/db")).await.unwrap_err();
    assert_eq!((error.kind(), error.store()), (ErrorKind::Unavailable, Some("postgres")));
    assert!(error.to_string().contains("is the server running"), "{error}");
    assert!(!told(&error).contains("hunter2") && !told(&error).contains("ada"), "{}", told(&error));

    or_skip!(store().await);
    let url = Postgres::shared().unwrap();
    let password = url.split([':', '@']).nth(2).unwrap();
    let wrong = url.replace(password, "hunter2");
    for (url, says) in [
        (format!("{url}?table=nowhere"), "run the migrations"),
        (wrong, "role or its password"),
        (url.replace("/postgres", "/nowhere").replace("nowhere:", "postgres:"), "no such database"),
    ] {
        let error = open(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains(says), "{error}");
        let told = told(&error);
        assert!(!told.contains(password) && !told.contains("hunter2"), "{told}");
    }
}

/// Without a port that answers, a call is over when its time is.
#[tokio::test]
async fn s_089_a_server_that_does_not_answer_costs_bounded_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let store = PostgresStore::from_url(&format!("postgres://localhost:{port}/db?timeout=50ms"))
        .and_then(PostgresStoreBuilder::build)
        .unwrap();
    let error = store.load(key(1), None, NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_temporary());
    // Nor do those wait longer who wait for a connection.
    let calls: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.load(key(n), None, NOW).await.is_err() })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
}
