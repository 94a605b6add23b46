//! What goes on after the response head: streams and sockets.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;
mod websocket;

use std::time::Duration;

use cloakroom::testkit::client::PATIENCE;
use serde_json::json;

use crate::websocket::Socket;

#[tokio::test]
async fn socket_reads_writes_and_saves() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":{"b":1}}"#).await;
    let mut socket = Socket::open(&visitor).await;

    assert_eq!(socket.say("get a").await, r#"{"b":1}"#);
    assert_eq!(socket.say("get none").await, "null");
    assert_eq!(socket.say("set c [1, 2]").await, "ok");
    assert_eq!(socket.say("get c").await, "[1,2]");
    assert_eq!(visitor.get("/key/c").await.status, 404, "not before it is saved");
    assert_eq!(socket.say("save").await, "ok");
    assert_eq!(visitor.get("/key/c").await.json(), json!([1, 2]));

    for nonsense in ["", "get", "set c", "set c {", "save now", "launch"] {
        assert!(socket.say(nonsense).await.starts_with("error "), "{nonsense}");
    }
}

#[tokio::test]
async fn socket_saves_beside_requests_of_the_same_session() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("set b 2").await, "ok");
    visitor.does("/set", r#"{"c":3}"#).await;
    assert_eq!(socket.say("save").await, "ok");
    assert_eq!(visitor.data().await, json!({"a": 1, "b": 2, "c": 3}));
}

#[tokio::test]
async fn socket_reads_what_others_wrote_under_what_it_set_itself() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1,"b":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("set a 2").await, "ok");
    visitor.does("/set", r#"{"a":3,"b":3,"c":3}"#).await;
    for (key, value) in [("a", "2"), ("b", "3"), ("c", "3")] {
        assert_eq!(socket.say(&format!("get {key}")).await, value, "{key}");
    }
    testbed.store.set_down(true);
    assert_eq!(socket.say("get b").await, "error unavailable");
    testbed.store.set_down(false);
    assert_eq!(socket.say("save").await, "ok");
    assert_eq!(visitor.data().await, json!({"a": 2, "b": 3, "c": 3}));
}

#[tokio::test]
async fn socket_without_a_session_stores_nothing_and_stays_open() {
    let testbed = site::start().await;
    let mut socket = Socket::open(&testbed.visitor()).await;
    assert_eq!(socket.say("set a 1").await, "ok");
    assert_eq!(socket.say("save").await, "error headers-sent");
    assert_eq!(testbed.live().await, 0);
    assert_eq!(socket.say("get none").await, "null");
}

#[tokio::test]
async fn socket_destroys_its_session() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("destroy").await, "ok");
    assert_eq!(visitor.session().await["exists"], false);
    assert_eq!(socket.closed(PATIENCE).await, 4401);
}

#[tokio::test]
async fn socket_closes_within_a_second_of_the_end_elsewhere() {
    let testbed = site::start().await;
    for end in ["/destroy", "/sign-out", "/sign-out/status/500", "/subjects/ada/revoke"] {
        let mut visitor = testbed.visitor();
        visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
        let mut socket = Socket::open(&visitor).await;
        assert_eq!(socket.say("get a").await, "null");
        visitor.post(end, "").await;
        assert_eq!(socket.closed(Duration::from_secs(1)).await, 4401, "{end}");
    }
}

#[tokio::test]
async fn socket_closes_within_five_seconds_of_the_expiry() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("get a").await, "1");
    testbed.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
    assert_eq!(socket.closed(Duration::from_secs(5)).await, 4401);
}

#[tokio::test]
async fn a_plain_request_to_the_socket_is_refused() {
    let testbed = site::start().await;
    assert_eq!(testbed.visitor().get("/ws").await.status, 400);
}
