//! WebSockets: what they may write, and that they end with their session.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;
mod websocket;

use std::time::Duration;

use cloakroom::testkit::client::{PATIENCE, is_alive};
use cloakroom::testkit::{Fault, Gate, Operation};
use serde_json::json;

use crate::site::{NAME, id_of};
use crate::websocket::Socket;

const ONE_SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn s_154_what_a_socket_saves_is_there() {
    let testbed = site::start().await;
    let mut visitor = testbed.signed_in("ada").await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say(r#"set a {"b":[1]}"#).await, "ok");
    assert_eq!(visitor.get("/key/a").await.status, 404);
    assert_eq!(socket.say("save").await, "ok");
    assert_eq!(visitor.get("/key/a").await.json(), json!({"b": [1]}));
    assert_eq!(socket.say("get a").await, r#"{"b":[1]}"#);
}

#[tokio::test]
async fn s_153_each_way_to_end_a_session_closes_its_socket() {
    let testbed = site::start().await;
    for end in ["handle", "/devices/revoke-others", "/subjects/ada/revoke", "/sign-out", "/destroy"]
    {
        let mut visitor = testbed.signed_in("ada").await;
        let mut other = testbed.signed_in("ada").await;
        let mut socket = Socket::open(&visitor).await;
        assert_eq!(socket.say("get a").await, "null");
        let handle = visitor.session().await["handle"].as_str().unwrap().to_owned();
        match end {
            "handle" => assert_eq!(other.delete(&format!("/devices/{handle}")).await.status, 204),
            "/devices/revoke-others" => assert_eq!(other.post(end, "").await.status, 200),
            _ => assert!(visitor.post(end, "").await.status < 300),
        }
        assert_eq!(socket.closed(ONE_SECOND).await, 4401, "{end}");
        other.post("/subjects/ada/revoke", "").await;
    }
}

#[tokio::test]
async fn s_153_the_end_of_another_session_closes_nothing() {
    let testbed = site::start().await;
    let visitor = testbed.signed_in("ada").await;
    let mut socket = Socket::open(&visitor).await;
    let mut other = testbed.signed_in("bob").await;
    let mut ended = Socket::open(&other).await;
    other.does("/sign-out", "").await;
    assert_eq!(ended.closed(ONE_SECOND).await, 4401);
    assert_eq!(socket.say("get a").await, "null");
}

#[tokio::test]
async fn s_153_a_session_that_expires_closes_its_socket() {
    let testbed = site::start_with(&[("max_age", "1m")]).await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("get a").await, "1");
    testbed.clock.advance(Duration::from_secs(61));
    assert_eq!(socket.closed(Duration::from_secs(5)).await, 4401);
}

#[tokio::test]
async fn s_050_a_socket_does_not_revive_what_ended_while_it_saved() {
    let testbed = site::start().await;
    let mut visitor = testbed.signed_in("ada").await;
    let cookie = visitor.cookie.clone().unwrap();
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("set a 1").await, "ok");
    let gate = Gate::new();
    testbed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
    let saving = tokio::spawn(async move { socket.say("save").await });
    gate.reached().await;
    visitor.does("/sign-out", "").await;
    gate.open();
    assert_eq!(saving.await.unwrap(), "error gone");
    assert!(!is_alive(testbed.address, &cookie).await);
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn s_039_a_socket_from_before_the_sign_in_cannot_write_after_it() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("set planted 1").await, "ok");
    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    assert_eq!(socket.say("save").await, "error gone");
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

#[tokio::test]
async fn s_039_a_socket_from_before_the_sign_in_reads_nothing_of_after_it() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("get a").await, "1");
    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    visitor.does("/set", r#"{"private":1}"#).await;
    for key in ["private", "a"] {
        assert_eq!(socket.say(&format!("get {key}")).await, "null", "{key}");
    }
}

#[tokio::test]
async fn s_016_a_socket_takes_no_id_but_a_live_one() {
    let testbed = site::start().await;
    let id = id_of(&testbed.with_session(r#"{"a":1}"#).await);
    for cookie in [format!("{NAME}=\"{id}\""), format!("{NAME}={}", "A".repeat(43))] {
        let mut visitor = testbed.visitor();
        visitor.cookie = Some(cookie);
        let mut socket = Socket::open(&visitor).await;
        assert_eq!(socket.set_cookie, None);
        assert_eq!(socket.say("get a").await, "null");
        assert_eq!(socket.say("set a 2").await, "ok");
        assert_eq!(socket.say("save").await, "error headers-sent");
    }
    assert_eq!(testbed.live().await, 1);
}

#[tokio::test]
async fn s_045_a_handshake_that_rotates_gives_the_socket_and_the_page_the_new_id() {
    let testbed = site::start_with(&[("rotate_every", "60")]).await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let id = id_of(&visitor);
    testbed.clock.advance(Duration::from_secs(61));
    let mut socket = Socket::open(&visitor).await;
    let line = socket.set_cookie.clone().expect("the handshake carries the new cookie");
    let pair = line.split(';').next().unwrap();
    assert_ne!(pair, format!("{NAME}={id}"));
    visitor.cookie = Some(pair.to_owned());
    testbed.clock.advance(Duration::from_secs(31));
    assert_eq!(socket.say("set b 2").await, "ok");
    assert_eq!(socket.say("save").await, "ok");
    assert_eq!(visitor.data().await, json!({"a": 1, "b": 2}));
}

#[tokio::test]
async fn s_045_a_socket_within_the_grace_goes_on_with_the_new_id() {
    let testbed = site::start_with(&[("rotate_every", "60")]).await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    testbed.clock.advance(Duration::from_secs(61));
    assert!(visitor.get("/session").await.set_cookie().is_some());
    assert_eq!(socket.say("set b 2").await, "ok");
    assert_eq!(socket.say("save").await, "ok");
    assert_eq!(visitor.data().await, json!({"a": 1, "b": 2}));
}

#[tokio::test]
async fn s_051_a_socket_that_destroys_leaves_nothing() {
    let testbed = site::start().await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("set a 2").await, "ok");
    assert_eq!(socket.say("destroy").await, "ok");
    assert!(!is_alive(testbed.address, visitor.cookie.as_ref().unwrap()).await);
    assert_eq!(socket.closed(PATIENCE).await, 4401);
    assert_eq!(testbed.live().await, 0);
}
