//! Ways to a store, and what it says when there is none.

use std::error::Error as _;

use cloakroom::store::{Created, Ended, MysqlStore, MysqlStoreBuilder, Store, open};
use cloakroom::{Error, ErrorKind};
use cloakroom_servers::{MysqlServer, free_port};
use mysql_async::prelude::Queryable;

use crate::or_skip;
use crate::records::{NOW, key, live, number, record};
use crate::setup::{builder, client, fresh, server, shared_client, store};

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
    let url = MysqlServer::shared().unwrap();
    let namespace = fresh("test");
    for (n, url) in [(1, url.to_owned()), (2, url.replace("mysql:", "mariadb:"))] {
        let opened = open(&format!("{url}?namespace={namespace}&timeout=5s")).await.unwrap();
        assert_eq!(opened.name(), "mysql");
        assert_eq!(opened.create(key(n), record(1), NOW).await.unwrap(), Created::Created);
    }
    let same = MysqlStore::open(url).await.unwrap().with_namespace(&namespace).unwrap();
    assert!(live(&same, key(1), NOW).await.is_some());
    let mut client = shared_client().await;
    let socket: Option<String> = client.query_first("SELECT @@socket").await.unwrap();
    let by_socket = format!("{url}?namespace={namespace}&socket={}", socket.unwrap());
    let by_socket = MysqlStore::open(&by_socket).await.unwrap();
    assert!(live(&by_socket, key(2), NOW).await.is_some());
}

/// S-84: handles are the same, sessions are not; names are compared whole, as bytes.
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
        assert_eq!(number(&live(&named, key(1), NOW).await.expect("live")), n);
        assert_eq!(named.directory().unwrap().count(NOW).await.unwrap(), 1);
    }
    assert!(live(&store, key(1), NOW).await.is_none());
    assert!(store.with_namespace("a'b").is_err());
}

/// S-82: what one instance was told, another sees.
#[tokio::test]
async fn s_082_instances_share_the_sessions() {
    let namespace = fresh("test");
    let one = or_skip!(builder().await).with_namespace(&namespace).build().unwrap();
    let other = builder().await.unwrap().with_namespace(&namespace).build().unwrap();
    assert_eq!(one.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    assert!(live(&other, key(1), NOW).await.is_some());
    assert!(other.delete(key(1), Ended::Revoked, NOW).await.unwrap());
    assert!(live(&one, key(1), NOW).await.is_none());
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do_and_gives_nothing_away() {
    let port = free_port().unwrap();
    let error = open(&format!("mysql://ada:hunter2@127.0.0.1:{port}/db")).await.unwrap_err();
    assert_eq!((error.kind(), error.store()), (ErrorKind::Unavailable, Some("mysql")));
    assert!(error.to_string().contains("is the server running"), "{error}");
    assert!(!told(&error).contains("hunter2") && !told(&error).contains("ada"), "{}", told(&error));

    or_skip!(store().await);
    let url = MysqlServer::shared().unwrap();
    let password = url.split([':', '@']).nth(2).unwrap();
    let (server, database) = url.rsplit_once('/').unwrap();
    for (url, says) in [
        (format!("{url}?table=nowhere"), "run the migrations"),
        (url.replace(password, "hunter2"), "the user or the password"),
        (format!("{server}/{database}nowhere"), "no such database"),
    ] {
        let error = open(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains(says), "{error}");
        let told = told(&error);
        assert!(!told.contains(password) && !told.contains("hunter2"), "{told}");
    }
}

/// MariaDB and MySQL have numbers of their own for some of it.
#[tokio::test]
async fn a_user_who_is_not_let_in_is_told_why() {
    let server = or_skip!(server(&[]).await);
    let mut owner = client(&server.url()).await;
    for (sql, says) in [
        ("CREATE USER ada@'%' IDENTIFIED BY 'hunter2' ACCOUNT LOCK", "locked"),
        // MariaDB asks about the database first.
        ("GRANT SELECT ON cloakroom.* TO ada@'%'", "locked"),
        ("ALTER USER ada@'%' ACCOUNT UNLOCK PASSWORD EXPIRE", "expired"),
        ("SET GLOBAL require_secure_transport = ON", "TLS"),
    ] {
        owner.query_drop(sql).await.unwrap();
        let url = format!("mysql://ada:hunter2@127.0.0.1:{}/cloakroom", server.port());
        let error = open(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains(says), "{}", told(&error));
        assert!(!told(&error).contains("hunter2"), "{}", told(&error));
    }
}

/// Without a port that answers, a call is over when its time is.
#[tokio::test]
async fn s_089_a_server_that_does_not_answer_costs_bounded_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let store = MysqlStore::from_url(&format!("mysql://localhost:{port}/db?timeout=50ms"))
        .and_then(MysqlStoreBuilder::build)
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
