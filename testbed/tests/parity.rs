//! Sessions in WebSockets, behaviour by behaviour; named after the rows of the table in `docs/litestar.md`.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;
mod websocket;

use std::time::Duration;

use axum::extract::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use cloakroom::testkit::adapter::Site;
use cloakroom::testkit::client::{PATIENCE, Visitor, is_alive};
use cloakroom::{Session, SessionLayer, SkipSession};
use serde_json::json;

use crate::site::{backend, serve};
use crate::websocket::Socket;

const LITESTAR: (&str, &str) = ("preset", "litestar");

async fn start(settings: &[(&str, &str)]) -> Site {
    let all: Vec<_> = [LITESTAR].into_iter().chain(settings.iter().copied()).collect();
    site::start_with(&all).await
}

/// The same.
#[tokio::test]
async fn b_060_the_session_is_that_of_the_handshake() {
    let testbed = start(&[]).await;
    let visitor = testbed.with_session(r#"{"a":{"b":1}}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("get a").await, r#"{"b":1}"#);
}

/// Better: what a socket saves is stored, and the handshake carries the cookie where one is due.
#[tokio::test]
async fn b_061_a_socket_can_save_and_its_handshake_sets_the_cookie() {
    let testbed = start(&[("renew_on_access", "true"), ("max_age", "1000")]).await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    testbed.clock.advance(Duration::from_secs(500));
    let mut socket = Socket::open(&visitor).await;
    let line = socket.set_cookie.clone().unwrap();
    assert!(line.starts_with(visitor.cookie.as_deref().unwrap()), "its end has moved");
    assert_eq!(socket.say("set b 2").await, "ok");
    assert_eq!(visitor.data().await, json!({"a": 1}), "not before it is saved");
    assert_eq!(socket.say("save").await, "ok");
    assert_eq!(visitor.data().await, json!({"a": 1, "b": 2}));
}

/// Better: an end in a socket is an end.
#[tokio::test]
async fn b_062_a_socket_can_end_the_session() {
    let testbed = start(&[]).await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    assert_eq!(socket.say("destroy").await, "ok");
    assert!(!is_alive(testbed.address, visitor.cookie.as_ref().unwrap()).await);
    assert_eq!((testbed.live().await, socket.closed(PATIENCE).await), (0, 4401));
}

/// Better: no ID is made that nobody will ever hold; a change that would need one is an error.
#[tokio::test]
async fn b_063_a_socket_without_a_cookie_has_no_session() {
    let testbed = start(&[]).await;
    let mut socket = Socket::open(&testbed.visitor()).await;
    assert_eq!(socket.set_cookie, None);
    assert_eq!(socket.say("get a").await, "null");
    assert_eq!(socket.say("set a 1").await, "ok");
    assert_eq!(socket.say("save").await, "error headers-sent");
    assert_eq!(testbed.live().await, 0);
}

/// Better: an open socket sees what is stored now, by `reload`, and closes when the session ends.
#[tokio::test]
async fn b_064_a_sign_out_closes_the_socket() {
    let testbed = start(&[]).await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut socket = Socket::open(&visitor).await;
    visitor.does("/set", r#"{"a":2}"#).await;
    assert_eq!(socket.say("get a").await, "2");
    visitor.does("/sign-out", "").await;
    assert_eq!(socket.closed(PATIENCE).await, 4401);
}

/// The same: with `renew_on_access` a handshake renews, and what follows on the socket does not unless it is saved.
#[tokio::test]
async fn b_065_a_handshake_renews_if_access_does() {
    for (renew, lives) in [("true", true), ("false", false)] {
        let testbed = start(&[("renew_on_access", renew), ("max_age", "100")]).await;
        let visitor = testbed.with_session(r#"{"a":1}"#).await;
        testbed.clock.advance(Duration::from_secs(60));
        let mut socket = Socket::open(&visitor).await;
        assert_eq!(socket.say("get a").await, "1");
        testbed.clock.advance(Duration::from_secs(60));
        let cookie = visitor.cookie.as_ref().unwrap();
        let looked = testbed.backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
        assert_eq!(looked.exists(), lives, "{renew}");
        if !lives {
            assert_eq!(socket.closed(PATIENCE).await, 4401);
        }
    }
}

/// A refusal before the upgrade is an HTTP answer of the application's choice, and a session that ended is 4401; what else goes wrong
/// on a socket is the application's to tell.
#[tokio::test]
async fn b_066_a_refused_handshake_has_the_status_of_its_handler() {
    async fn members(upgrade: WebSocketUpgrade, session: Session) -> Result<Response, StatusCode> {
        session.subject().ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(upgrade.on_upgrade(async |_| {}))
    }
    let testbed = start(&[]).await;
    let layer = SessionLayer::from_backend(backend(&testbed, &[LITESTAR]));
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let app = serve(Router::new().route("/members", any(members)).layer(layer)).await;
    let at_app = |visitor: &Visitor| Visitor { address: app, ..visitor.clone() };
    assert_eq!(Socket::refused(&at_app(&visitor), "/members").await, 401);
    assert_eq!(visitor.data().await, json!({"a": 1}), "a refusal ends nothing");
    let mut socket = Socket::open(&visitor).await;
    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    visitor.does("/sign-out", "").await;
    assert_eq!(socket.closed(PATIENCE).await, 4401);
}

/// The same, with the rules for paths of all requests.
#[tokio::test]
async fn b_067_paths_marks_and_scopes_exclude_sockets_too() {
    async fn kind(session: Result<Session, cloakroom::Error>) -> StatusCode {
        match session {
            Ok(_) => StatusCode::IM_A_TEAPOT,
            Err(error) if error.kind() == cloakroom::ErrorKind::Excluded => StatusCode::FORBIDDEN,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    let testbed = start(&[]).await;
    for (settings, path, status) in [
        (&[LITESTAR][..], "/kind", 418),
        (&[LITESTAR], "/marked", 403),
        (&[LITESTAR, ("exclude", "/kind")], "/kind", 403),
        (&[LITESTAR, ("exclude", "/k")], "/kind", 418),
        (&[LITESTAR, ("scopes", "http")], "/kind", 403),
        (&[LITESTAR, ("scopes", "websocket")], "/kind", 418),
    ] {
        let layer = SessionLayer::from_backend(backend(&testbed, settings));
        let marked = any(kind).layer(Extension(SkipSession));
        let app = Router::new().route("/kind", any(kind)).route("/marked", marked).layer(layer);
        let visitor = Visitor::at(serve(app).await);
        assert_eq!(Socket::refused(&visitor, path).await, status, "{settings:?} {path}");
    }
}
