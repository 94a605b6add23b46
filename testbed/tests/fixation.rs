//! Nobody chooses another's ID, and an ID from before a sign-in is worth nothing after it.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::testkit::Operation;
use cloakroom::testkit::client::{Visitor, ask, is_alive};
use cloakroom::{Session, SessionLayer};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

use crate::site::{NAME, backend, id_of, serve, waiting};

const SIGN_IN: &str = r#"{"subject":"ada"}"#;

#[tokio::test]
async fn s_004_an_id_that_was_never_issued_is_not_adopted() {
    let testbed = site::start().await;
    let planted = format!("{NAME}={}", "A".repeat(43));
    let line = format!("Cookie: {planted}");
    for route in ["POST /set", "POST /sign-in", "POST /incr/a", "POST /push/a"] {
        let body = if route == "POST /sign-in" { SIGN_IN } else { r#"{"a":1}"# };
        let answer = ask(testbed.address, route, &[line.as_bytes()], body).await;
        assert!(answer.status < 300, "{route}");
        assert!(!answer.set_cookie().unwrap().starts_with(&planted), "{route}");
        assert!(!is_alive(testbed.address, &planted).await, "{route}");
    }
    assert_eq!(testbed.live().await, 4);
}

#[tokio::test]
async fn s_007_the_public_half_of_an_id_is_no_cookie() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let id = id_of(&visitor);
    let handle = visitor.session().await["handle"].as_str().unwrap().to_owned();
    let zeros = "0".repeat(32);
    let guesses = [
        handle.clone(),
        format!("{handle}{handle}"),
        format!("{handle}{zeros}"),
        id[..22].to_owned(),
        format!("{}{}", &id[..22], "A".repeat(21)),
        format!("{}{}", &id[..21], "A".repeat(22)),
    ];
    for guess in guesses {
        assert!(!is_alive(testbed.address, &format!("{NAME}={guess}")).await, "{guess}");
    }
}

#[tokio::test]
async fn s_037_an_id_in_its_grace_is_dead_after_the_sign_in() {
    let testbed = site::start_with(&[("rotate_every", "60")]).await;
    for signs_in_with_the_old_id in [false, true] {
        let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
        let first = visitor.cookie.clone().unwrap();
        testbed.clock.advance(Duration::from_secs(61));
        visitor.get("/session").await;
        let second = visitor.cookie.clone().unwrap();
        assert_ne!(first, second);

        if signs_in_with_the_old_id {
            visitor.cookie = Some(first.clone());
        }
        visitor.does("/sign-in", SIGN_IN).await;

        for old in [&first, &second] {
            assert!(!is_alive(testbed.address, old).await);
        }
        assert_eq!(visitor.session().await["subject"], "ada");
    }
}

#[tokio::test]
async fn s_037_signing_in_as_somebody_else_drops_the_data_of_the_first() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    visitor.does("/sign-in", SIGN_IN).await;
    let ada = visitor.cookie.clone().unwrap();
    visitor.does("/sign-in", r#"{"subject":"bob"}"#).await;
    let session = visitor.session().await;
    assert_eq!((&session["subject"], &session["data"]), (&json!("bob"), &json!({})));
    assert!(!is_alive(testbed.address, &ada).await);
    let revoked = visitor.post("/subjects/ada/revoke", "").await;
    assert_eq!(revoked.json(), json!({"revoked": 0}));
}

#[tokio::test]
async fn s_039_a_commit_from_before_the_sign_in_is_lost() {
    let testbed = site::start().await;
    let writes = [
        ("POST", "/slow/planted?delay=1", "1"),
        ("POST", "/set", r#"{"planted":1}"#),
        ("POST", "/incr/planted", ""),
        ("POST", "/push/planted", "1"),
        ("POST", "/sign-in", r#"{"subject":"eve"}"#),
        ("POST", "/max-age", r#"{"seconds":1}"#),
        ("POST", "/clear", ""),
        ("POST", "/cycle", ""),
        ("DELETE", "/key/a", ""),
        ("POST", "/status/400", r#"{"planted":1}"#),
    ];
    for write in writes {
        let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
        let before = visitor.cookie.clone().unwrap();
        let (request, gate) = testbed.held(&visitor, (Operation::Update, 1), write).await;
        visitor.does("/sign-in", SIGN_IN).await;
        let expected = visitor.session().await;
        gate.open();

        assert_eq!(request.await.unwrap().set_cookie(), None, "{write:?}");
        assert_eq!(visitor.session().await, expected, "{write:?}");
        assert!(!is_alive(testbed.address, &before).await, "{write:?}");
    }
}

#[tokio::test]
async fn s_039_a_commit_from_before_a_cycle_is_lost() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let write = ("POST", "/incr/planted", "");
    let (request, gate) = testbed.held(&visitor, (Operation::Update, 1), write).await;
    visitor.does("/cycle", "").await;
    gate.open();
    assert_eq!(request.await.unwrap().set_cookie(), None);
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

#[tokio::test]
async fn s_042_a_response_that_fails_signs_nobody_in() {
    async fn sign_in(session: Session) -> axum::http::StatusCode {
        session.sign_in("ada").unwrap();
        session.insert("a", &2).unwrap();
        axum::http::StatusCode::BAD_GATEWAY
    }
    async fn panic(session: Session) {
        session.sign_in("ada").unwrap();
        session.insert("a", &2).unwrap();
        panic!("a handler panics");
    }
    let testbed = site::start().await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    let app = Router::new()
        .route("/sign-in", post(sign_in))
        .route("/panic", post(panic))
        .layer(CatchPanicLayer::new())
        .layer(SessionLayer::from_backend(backend(&testbed, &[])));
    let mut failing = Visitor { address: serve(app).await, cookie: visitor.cookie.clone() };

    for (path, status) in [("/sign-in", 502), ("/panic", 500)] {
        let answer = failing.post(path, "").await;
        assert_eq!((answer.status, answer.set_cookie()), (status, None));
        let session = visitor.clone().session().await;
        assert_eq!((&session["subject"], &session["data"]), (&json!(null), &json!({"a": 1})));
    }
    assert_eq!(testbed.live().await, 1);
}

#[tokio::test]
async fn s_048_the_slow_response_of_the_old_id_sets_no_cookie() {
    let testbed = site::start().await;
    for request in [("GET", "/slow?delay=300", ""), ("POST", "/slow/k?delay=300", "1")] {
        let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
        let slow = waiting(&testbed, &visitor, request).await;
        visitor.does("/sign-in", SIGN_IN).await;
        assert!(!slow.is_finished());
        assert_eq!(slow.await.unwrap().set_cookie(), None, "{request:?}");
        assert_eq!(visitor.session().await["subject"], "ada");
    }
}
