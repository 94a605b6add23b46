//! B.6: a store that fails.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::store::litestar::RedisStoreBuilder;
use cloakroom::testkit::{Fault, Operation};
use cloakroom::{ErrorKind, ServerSideSessionConfig, Session};
use cloakroom_servers::{RedisServer, required};
use serde_json::json;

use crate::site::Site;
use crate::stores::Process;

/// Better: a 503 with `Retry-After`, before the handler has done anything; routes that use no session go on.
#[tokio::test]
async fn b_036_a_session_that_cannot_be_loaded_is_503_before_the_handler() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    async fn counts(_: Session) {
        RUNS.fetch_add(1, Ordering::SeqCst);
    }
    let more = Router::new().route("/counts", post(counts));
    let site = Site::with_routes(ServerSideSessionConfig::litestar(), more);
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    site.0.store.set_down(true);
    let answer = visitor.post("/counts", "").await;
    assert_eq!((answer.status, &*answer.body), (503, r#"{"error":"unavailable"}"#));
    assert_eq!((answer.header("retry-after"), answer.set_cookie()), (Some("1"), None));
    assert_eq!(RUNS.load(Ordering::SeqCst), 0);
    assert_eq!(visitor.get("/noop").await.status, 200);
    assert_eq!(visitor.get("/skip").await.status, 500);
    site.0.store.set_down(false);
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

/// Better: reading survives where only writing fails, a visitor without a cookie reads without the store, and a change that
/// cannot be stored is a 503 in the application's own form. A handler with effects outside the session saves first.
#[tokio::test]
async fn b_037_reading_survives_a_store_that_takes_no_writes() {
    async fn pays(session: Session) -> Result<&'static str, cloakroom::Error> {
        session.insert("order", &1)?;
        session.save().await?;
        Ok("paid")
    }
    let more = Router::new().route("/pays", post(pays));
    let site = Site::with_routes(ServerSideSessionConfig::litestar(), more);
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    for operation in [Operation::Create, Operation::Update, Operation::Touch] {
        for nth in 1..10 {
            site.0.store.inject(operation, nth, Fault::Fail);
        }
    }
    assert_eq!(visitor.data().await, json!({"a": 1}));
    let answer = visitor.post("/put", r#"{"b":1}"#).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(visitor.data().await, json!({"a": 1}));
    let mut nobody = site.visitor();
    assert_eq!(nobody.get("/session").await.status, 200);
    let answer = nobody.post("/pays", "").await;
    assert_eq!((answer.status, &*answer.body), (503, r#"{"error":"unavailable"}"#));
    site.0.store.set_down(true);
    assert_eq!(nobody.get("/session").await.status, 200, "nothing to load");
}

/// Better: an operation of the store ends after `operation_timeout`, however long the store takes.
#[tokio::test(start_paused = true)]
async fn b_038_a_store_that_hangs_is_given_up() {
    let config =
        ServerSideSessionConfig::litestar().with_operation_timeout(Duration::from_millis(1500));
    let site = Site::with(config.clone());
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    // A change that was not answered is tried again.
    for (operation, times) in [(Operation::Load, 1), (Operation::Update, 20)] {
        (1..=times).for_each(|nth| site.0.store.inject(operation, nth, Fault::Hang));
        let before = tokio::time::Instant::now();
        let answer = visitor.post("/put", r#"{"a":2}"#).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert!(before.elapsed() >= Duration::from_millis(1500));
    }
    let backend = site.0.layer.backend();
    site.0.store.inject(Operation::Load, 1, Fault::Hang);
    let error = backend.load_from_connection([visitor.cookie.as_bytes()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

/// Better: the same of a real server without memory, also where the other side has prolonged the session meanwhile.
#[tokio::test]
async fn b_037_reading_survives_a_server_that_is_full() {
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    let store = RedisStoreBuilder::from_url(&server.url()).unwrap().build().unwrap();
    let process = Process::on(store);
    let cookie = process.insert("", "a", 1).await;
    let gone = process.insert("", "a", 1).await;
    server.cli(&["DEL", &gone.replace("session=", "LITESTAR:")]).unwrap();
    server.cli(&["EXPIRE", &cookie.replace("session=", "LITESTAR:"), "9000000"]).unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    assert!(process.load(&cookie).await.exists());
    assert!(!process.load(&gone).await.exists());
    let session = process.load(&cookie).await;
    session.insert("b", &1).unwrap();
    let (headers, outcome) = process.backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::StoreFull);
    assert_eq!(headers.set_cookie, None);
    assert!(process.load(&cookie).await.exists());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    process.insert(&cookie, "b", 1).await;
    assert_eq!(process.load(&cookie).await.len(), 2);
}
