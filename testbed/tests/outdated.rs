//! Requests that outlive what they began with: a cookie, a grace, a limit.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;
mod websocket;

use std::time::Duration;

use cloakroom::testkit::Operation;
use cloakroom::testkit::client::Visitor;
use tokio::task::JoinSet;

use crate::site::waiting;
use crate::websocket::Socket;

const SIGN_IN: &str = r#"{"subject":"ada"}"#;

#[tokio::test]
async fn s_048_an_id_in_its_grace_is_not_brought_forward_after_the_sign_in() {
    let testbed = site::start_with(&[("rotate_every", "60")]).await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let old = visitor.clone();
    testbed.clock.advance(Duration::from_secs(61));
    visitor.get("/session").await;
    let slow = waiting(&testbed, &old, ("GET", "/slow?delay=300", "")).await;
    visitor.does("/sign-in", SIGN_IN).await;
    assert!(!slow.is_finished());
    testbed.clock.advance(Duration::from_millis(300));
    assert_eq!(slow.await.unwrap().set_cookie(), None);
}

#[tokio::test]
async fn s_045_a_socket_that_missed_a_rotation_does_not_end_the_session() {
    let testbed = site::start_with(&[("rotate_every", "60")]).await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    testbed.clock.advance(Duration::from_secs(61));
    assert!(visitor.get("/session").await.set_cookie().is_some());
    testbed.clock.advance(Duration::from_secs(31));
    assert_eq!(socket.say("set b 2").await, "ok");
    socket.say("save").await;
    assert_eq!(visitor.session().await["exists"], true);
}

#[tokio::test]
async fn s_045_a_request_that_outlasts_the_grace_does_not_end_the_session() {
    let testbed = site::start_with(&[("rotate_every", "60")]).await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let (slow, gate) =
        testbed.held(&visitor, (Operation::Update, 1), ("POST", "/set", r#"{"b":1}"#)).await;
    testbed.clock.advance(Duration::from_secs(61));
    visitor.get("/session").await;
    testbed.clock.advance(Duration::from_secs(31));
    gate.open();
    assert_eq!(slow.await.unwrap().set_cookie(), None);
    assert_eq!(visitor.session().await["exists"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_069_fifty_sign_ins_keep_refusing_within_the_limit() {
    for policy in ["refuse"] {
        let settings = [("max_sessions_per_subject", "20"), ("subject_limit_policy", policy)];
        let testbed = site::start_with(&settings).await;
        let mut requests = JoinSet::new();
        for _ in 0..50 {
            let mut visitor = testbed.visitor();
            requests.spawn(async move {
                let answer = visitor.post("/sign-in", r#"{"subject":"ada"}"#).await;
                (answer.status, visitor)
            });
        }
        let mut alive = 0;
        for (status, mut visitor) in requests.join_all().await {
            match policy {
                "refuse" => assert!(matches!(status, 204 | 409), "{status}"),
                _ => assert_eq!(status, 204),
            }
            alive += u64::from(visitor.session().await["exists"] == true);
        }
        assert!((1..=20).contains(&alive), "{policy}: {alive}");
        assert_eq!(testbed.live().await, alive, "{policy}");
    }
}

#[tokio::test]
async fn s_069_sign_ins_of_one_millisecond_are_refused_beyond_the_limit() {
    let settings = [("max_sessions_per_subject", "1"), ("subject_limit_policy", "refuse")];
    let testbed = site::start_with(&settings).await;
    for _ in 0..10 {
        testbed.visitor().post("/sign-in", SIGN_IN).await;
    }
    assert_eq!(testbed.live().await, 1);
}

#[tokio::test]
async fn s_069_a_sign_in_that_was_held_up_is_refused_beyond_the_limit() {
    let settings = [("max_sessions_per_subject", "1"), ("subject_limit_policy", "refuse")];
    let testbed = site::start_with(&settings).await;
    let visitor = testbed.visitor();
    let (slow, gate) =
        testbed.held(&visitor, (Operation::Create, 1), ("POST", "/sign-in", SIGN_IN)).await;
    testbed.clock.advance(Duration::from_secs(1));
    testbed.visitor().does("/sign-in", SIGN_IN).await;
    gate.open();
    slow.await.unwrap();
    assert_eq!(testbed.live().await, 1);
}

#[tokio::test]
async fn s_069_a_sign_in_does_not_evict_itself() {
    let testbed = site::start_with(&[("max_sessions_per_subject", "1")]).await;
    for _ in 0..10 {
        let mut visitor = testbed.visitor();
        visitor.does("/sign-in", SIGN_IN).await;
        assert_eq!(visitor.session().await["subject"], "ada");
    }
}

#[tokio::test]
async fn s_069_a_sign_in_on_a_node_whose_clock_is_behind_does_not_evict_itself() {
    let testbed = site::start_with(&[("max_sessions_per_subject", "1")]).await;
    testbed.visitor().does("/sign-in", SIGN_IN).await;
    let behind = cloakroom::testkit::TestClock::new();
    testbed.clock.advance(Duration::from_secs(30));
    testbed.visitor().does("/sign-in", SIGN_IN).await;
    let config = cloakroom::ServerSideSessionConfig::default().with_max_sessions_per_subject(1);
    let backend = cloakroom::ServerSideSessionBackend::new(testbed.store.clone(), config).unwrap();
    let address = site::serve_testbed(backend.with_clock(behind)).await;
    let mut visitor = Visitor::at(address);
    visitor.does("/sign-in", SIGN_IN).await;
    assert_eq!(visitor.session().await["subject"], "ada");
}
