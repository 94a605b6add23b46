//! Two instances of the application on one PostgreSQL.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;

use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig};
use cloakroom_servers::Postgres;
use serde_json::json;
use tokio::net::TcpListener;

use cloakroom::testkit::client::Visitor;

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

#[tokio::test]
async fn what_one_instance_ends_has_ended_on_the_other() {
    let Some(url) = Postgres::shared() else { return };
    let url = format!("{url}?namespace=testbed-{}", std::process::id());
    let (one, other) = (instance(&url).await, instance(&url).await);

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
#[tokio::test]
async fn s_073_writers_on_two_instances_lose_nothing() {
    let Some(url) = Postgres::shared() else { return };
    let url = format!("{url}?namespace=testbed-races-{}", std::process::id());
    let (one, other) = (instance(&url).await, instance(&url).await);
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
