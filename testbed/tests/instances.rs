//! Two instances of the application on one store, each with connections of its own.
#![cfg(all(
    feature = "file",
    feature = "litestar",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;

use cloakroom::testkit::client::Visitor;
use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig};
use cloakroom_servers::{MariaDb, Postgres, RedisServer};
use serde_json::json;
use tokio::net::TcpListener;

/// An instance with connections of its own.
async fn instance(url: &str) -> SocketAddr {
    let config = ServerSideSessionConfig::default().set("secure", "false").unwrap();
    let backend = ServerSideSessionBackend::new(testbed::open(url).await.unwrap(), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, testbed::app(backend)).await });
    address
}

fn at(visitor: &Visitor, address: SocketAddr) -> Visitor {
    Visitor { address, ..visitor.clone() }
}

async fn what_one_ends_has_ended_on_the_other(url: &str) {
    let (one, other) = (instance(url).await, instance(url).await);

    let mut devices = Vec::new();
    for n in 0..3 {
        let mut visitor = Visitor::at(one);
        visitor.does("/set", &json!({"n": n}).to_string()).await;
        visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
        assert_eq!(at(&visitor, other).data().await["n"], n);
        devices.push(visitor);
    }
    // One device signs out, the second sends the others away, an operator ends the last.
    devices[0].clone().does("/sign-out", "").await;
    assert_eq!(at(&devices[0], other).data().await, json!({}));
    at(&devices[1], other).post("/devices/revoke-others", "").await;
    assert_eq!(at(&devices[2], one).data().await, json!({}));
    assert_eq!(at(&devices[1], one).data().await["n"], 1);
    Visitor::at(other).post("/subjects/ada/revoke", "").await;
    assert_eq!(at(&devices[1], one).data().await, json!({}));
}

/// Both change the session at the same time; each change is kept.
async fn writers_on_both_lose_nothing(url: &str) {
    let (one, other) = (instance(url).await, instance(url).await);
    let mut visitor = Visitor::at(one);
    visitor.does("/set", r#"{"n":0}"#).await;
    let writers: Vec<_> = (0..20)
        .map(|n| {
            let mut tab = at(&visitor, if n % 2 == 0 { one } else { other });
            tokio::spawn(async move { tab.post("/incr/n", "").await.status })
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.await.unwrap(), 200);
    }
    assert_eq!(visitor.data().await["n"], 20);
}

/// The URL in a namespace of the test's own.
fn apart(url: &str, test: &str) -> String {
    format!("{url}?namespace=testbed{test}{}", std::process::id())
}

/// A path of this run, where nothing is yet.
fn path(name: &str) -> String {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/instances");
    std::fs::create_dir_all(folder).unwrap();
    format!("{folder}/{}-{name}", std::process::id())
}

/// The tests on the store of a URL; skipped if there is none.
macro_rules! instances {
    ($store:ident, $url:expr) => {
        mod $store {
            use super::*;

            #[tokio::test]
            async fn s_064_s_065_what_one_instance_ends_has_ended_on_the_other() {
                if let Some(url) = $url {
                    what_one_ends_has_ended_on_the_other(&apart(&url, "ends")).await;
                }
            }

            #[tokio::test]
            async fn s_073_writers_on_two_instances_lose_nothing() {
                if let Some(url) = $url {
                    writers_on_both_lose_nothing(&apart(&url, "races")).await;
                }
            }
        }
    };
}

instances!(file, Some(format!("file:{}", path("sessions"))));
instances!(litestar_file, Some(format!("litestar+file:{}", path("litestar"))));
instances!(litestar_redis, RedisServer::shared().unwrap().map(|url| format!("litestar+{url}")));
instances!(mariadb, MariaDb::shared().map(str::to_owned));
instances!(postgres, Postgres::shared().map(str::to_owned));
instances!(redis, RedisServer::shared().unwrap());
instances!(sqlite, Some(format!("sqlite:{}", path("sessions.db"))));
