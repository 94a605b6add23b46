//! Requests whose client goes away while somebody is being signed in.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{ServerSideSessionConfig, Session, Store, SubjectLimitPolicy};
use http::StatusCode;

use crate::app::App;

/// Far longer than anything takes here; the clock of these tests stands still while there is something to do.
const PATIENCE: Duration = Duration::from_secs(600);

async fn sign_in(session: Session) {
    session.sign_in("ada").unwrap();
}

async fn sign_in_and_save(session: Session) {
    session.sign_in("ada").unwrap();
    session.save().await.unwrap();
}

/// Drops a request as soon as it is there.
async fn give_up<T>(request: impl Future<Output = T>, there: impl Future<Output = ()>) {
    let (mut request, mut there) = (std::pin::pin!(request), std::pin::pin!(there));
    std::future::poll_fn(|cx| {
        assert!(request.as_mut().poll(cx).is_pending());
        there.as_mut().poll(cx)
    })
    .await;
}

/// Gives up a request to sign in when a store call waits, and returns when the session before has ended.
async fn check(path: &str, operation: Operation, goes_on: bool) {
    let config = ServerSideSessionConfig::default().with_max_sessions_per_subject(1);
    let routes = Router::new()
        .route("/sign-in", post(sign_in))
        .route("/sign-in-and-save", post(sign_in_and_save));
    let app = App::with(config, routes);
    app.call("POST", "/sign-in", "").await;
    let first = app.layer.sessions().of("ada").await.unwrap()[0].handle;
    let gate = Gate::new();
    app.store.inject(operation, 1, Fault::Wait(gate.clone()));
    give_up(app.call("POST", path, ""), gate.reached()).await;
    if goes_on {
        gate.open();
    }
    let ended = tokio::time::timeout(PATIENCE, app.store.ended(first)).await;
    ended.expect("the first session ends, as the limit is one");
    let sessions = app.layer.sessions();
    assert_eq!(sessions.of("ada").await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s_069_a_sign_in_given_up_before_the_limit_is_enforced_keeps_within_it() {
    check("/sign-in", Operation::BySubject, true).await;
}

#[tokio::test(start_paused = true)]
async fn s_069_a_sign_in_given_up_while_it_is_written_keeps_within_the_limit() {
    check("/sign-in", Operation::Create, true).await;
}

/// Nor does one take a place that the visitor needs for the next attempt.
#[tokio::test(start_paused = true)]
async fn s_069_a_sign_in_given_up_before_it_is_let_in_leaves_nothing() {
    let config = ServerSideSessionConfig::default()
        .with_max_sessions_per_subject(1)
        .with_subject_limit_policy(SubjectLimitPolicy::Refuse);
    let app = App::with(config, Router::new().route("/sign-in", post(sign_in)));
    let gate = Gate::new();
    app.store.inject(Operation::BySubject, 1, Fault::Wait(gate.clone()));
    give_up(app.call("POST", "/sign-in", ""), gate.reached()).await;
    gate.open();
    // Whatever went on would run as far as it gets, on the one thread of these tests.
    tokio::task::yield_now().await;
    assert_eq!(app.layer.sessions().count().await.unwrap(), 0);
    assert_eq!(app.call("POST", "/sign-in", "").await.status(), StatusCode::OK);
    assert_eq!(app.layer.sessions().of("ada").await.unwrap().len(), 1);
}

/// The save is the handler's and is dropped with it.
#[tokio::test(start_paused = true)]
async fn s_069_a_sign_in_whose_save_is_given_up_keeps_within_the_limit() {
    check("/sign-in-and-save", Operation::BySubject, false).await;
}
