//! A.5 and A.6: what an operator does, and who may come in.

use axum::Router;
use axum::routing::{get, post};
use cloakroom::{Error, ServerSideSessionConfig, Session};
use http::StatusCode;
use serde_json::json;

use crate::site::Site;

async fn sign_in(session: Session) -> Result<(), Error> {
    session.sign_in("ada")
}

async fn private(session: Session) -> Result<String, StatusCode> {
    session.subject().ok_or(StatusCode::UNAUTHORIZED)
}

fn site() -> Site {
    let more = Router::new().route("/sign-in", post(sign_in)).route("/private", get(private));
    Site::with_routes(ServerSideSessionConfig::litestar(), more)
}

/// Better: by the public name, which may stand in a log; it is remembered why, and a request that is under way does not undo it.
#[tokio::test]
async fn a_5_delete_ends_one_session_by_its_public_name() {
    let site = site();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let mut other = site.with_session(r#"{"b":1}"#).await;
    let handle = visitor.id()[..32].parse().unwrap();
    let sessions = site.0.layer.sessions();
    assert!(sessions.revoke(handle).await.unwrap());
    assert!(!sessions.revoke(handle).await.unwrap());
    assert_eq!(visitor.absence().await, "revoked");
    assert_eq!(other.data().await, json!({"b": 1}));
}

/// Better: exactly the sessions of this store, and how many they were; sockets of theirs close.
#[tokio::test]
async fn a_5_clear_ends_all_sessions() {
    let site = site();
    let mut visitors = Vec::new();
    for _ in 0..300 {
        visitors.push(site.with_session(r#"{"a":1}"#).await);
    }
    let backend = site.0.layer.backend();
    let session = backend.load_from_connection([visitors[0].cookie.as_bytes()]).await.unwrap();
    assert_eq!(site.0.layer.sessions().delete_all().await.unwrap(), 300);
    assert_eq!(session.ended().await, cloakroom::store::Ended::Revoked);
    for visitor in &mut visitors {
        assert_eq!(visitor.absence().await, "revoked");
    }
    assert_eq!(site.live().await, 0);
    assert_eq!(site.0.layer.sessions().delete_all().await.unwrap(), 0);
}

/// Better: they work on the layer's own store, however an application decides who is signed in.
#[tokio::test]
async fn a_5_with_sign_in_both_work_the_same() {
    let site = site();
    let mut visitor = site.visitor();
    visitor.post("/sign-in", "").await;
    let sessions = site.0.layer.sessions();
    assert!(sessions.revoke(visitor.id()[..32].parse().unwrap()).await.unwrap());
    visitor.post("/sign-in", "").await;
    assert_eq!(sessions.delete_all().await.unwrap(), 1);
    assert_eq!(visitor.get("/private").await.status, 401);
}

/// No counterpart: a handler, an extractor or a layer of the application asks for the subject. Better: an answer of 401
/// ends nobody's session.
#[tokio::test]
async fn a_6_session_auth_is_the_applications_and_a_refusal_ends_nothing() {
    let site = site();
    let mut visitor = site.visitor();
    assert_eq!(visitor.get("/private").await.status, 401);
    let mut visitor = site.with_session(r#"{"cart":1}"#).await;
    assert_eq!(visitor.get("/private").await.status, 401);
    assert_eq!(visitor.data().await, json!({"cart": 1}));
    visitor.post("/sign-in", "").await;
    let answer = visitor.get("/private").await;
    assert_eq!((answer.status, &*answer.body), (200, "ada"));
    assert_eq!(visitor.data().await, json!({"cart": 1}));
}
