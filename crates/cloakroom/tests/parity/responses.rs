//! B.1: when the cookie is sent and the store written; and which responses carry it.

use axum::Router;
use axum::routing::{get, post};
use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{ErrorKind, ServerSideSessionConfig, Session};
use http::StatusCode;
use serde_json::json;

use crate::site::Site;

fn litestar() -> ServerSideSessionConfig {
    ServerSideSessionConfig::litestar()
}

/// Better: visitors who store nothing cost nothing, and their pages can be cached.
#[tokio::test]
async fn b_001_no_cookie_and_no_entry_until_something_is_set() {
    let site = Site::new();
    let mut visitor = site.visitor();
    for path in ["/noop", "/session"] {
        let answer = visitor.get(path).await;
        assert_eq!((answer.status, answer.set_cookie()), (200, None), "{path}");
    }
    assert_eq!(site.0.store.all_calls(), 0);
    let answer = visitor.post("/put", r#"{"a":1}"#).await;
    let line = answer.set_cookie().unwrap();
    assert!(line.ends_with("; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax"), "{line}");
    assert_eq!(site.live().await, 1);
}

/// Better: what was not changed is not written. The deadline of what is read moves with `renew_on_access`, at most
/// once in a tenth of the lifetime.
#[tokio::test]
async fn b_002_reading_writes_nothing_and_sends_no_cookie() {
    for renew in [false, true] {
        let site = Site::with(litestar().with_renew_on_access(renew));
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        site.0.clock.advance(std::time::Duration::from_secs(86_400));
        for path in ["/noop", "/session", "/session"] {
            assert_eq!(visitor.get(path).await.set_cookie(), None, "{path}");
        }
        let store = &site.0.store;
        let [loads, updates, touches] =
            [Operation::Load, Operation::Update, Operation::Touch].map(|what| store.calls(what));
        assert_eq!((loads, updates, touches), (2, 0, 0), "{renew}");
    }
}

/// Better: an answer that uses no session has nothing of it, whatever route or service gave it.
#[tokio::test]
async fn b_003_what_does_not_use_the_session_is_left_alone() {
    let service = tower::service_fn(async |_: axum::extract::Request| {
        Ok::<_, std::convert::Infallible>(axum::response::Response::new(axum::body::Body::empty()))
    });
    let more = Router::new()
        .route("/schema/openapi.json", get(async || "{}"))
        .nest("/mounted", Router::new().route("/page", get(async || "ok")))
        .nest_service("/static", service);
    let site = Site::with_routes(litestar(), more);
    let with_cookie = site.with_session(r#"{"a":1}"#).await;
    let before = site.0.store.all_calls();
    for (method, path) in [
        ("GET", "/schema/openapi.json"),
        ("GET", "/mounted/page"),
        ("GET", "/static/logo.svg"),
        ("OPTIONS", "/noop"),
        ("OPTIONS", "/put"),
    ] {
        for mut visitor in [site.visitor(), with_cookie.clone()] {
            let answer = visitor.send(method, path, "").await;
            assert_eq!(answer.set_cookie(), None, "{method} {path}");
            assert!(answer.all("vary").is_empty(), "{method} {path}");
        }
    }
    assert_eq!(site.0.store.all_calls(), before);
}

/// Better: no cache gives one visitor's answer to another.
#[tokio::test]
async fn b_004_answers_of_a_session_are_private_and_vary() {
    let site = Site::new();
    let mut visitor = site.visitor();
    let answer = visitor.get("/session").await;
    assert!(answer.says("vary", "cookie") && answer.says("cache-control", "private"));
    let answer = visitor.post("/put", r#"{"a":1}"#).await;
    assert!(answer.says("vary", "cookie") && answer.says("cache-control", "no-store"));
    let answer = visitor.post("/clear", "").await;
    assert!(answer.says("vary", "cookie") && answer.says("cache-control", "no-store"));
}

/// Better: what is empty has no need of an ID.
#[tokio::test]
async fn b_005_an_emptied_session_ends_and_its_cookie_goes() {
    for path in ["/empty", "/remove/a"] {
        let site = Site::new();
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        let answer = visitor.post(path, "").await;
        assert!(answer.expires_cookie(), "{path}");
        assert_eq!(site.live().await, 0, "{path}");
    }
    let site = Site::new();
    assert_eq!(site.visitor().post("/empty", "").await.set_cookie(), None);
    assert_eq!(site.0.store.all_calls(), 0);
}

/// Better: the browser drops the cookie, which is expired with the attributes that it was set with.
#[tokio::test]
async fn b_006_a_cleared_session_takes_its_cookie_along() {
    for (config, expected) in [
        (litestar(), "session=; HttpOnly; Max-Age=0; Path=/; SameSite=lax"),
        (
            litestar().with_domain("example.com").with_path("/x").with_secure(true),
            "session=; Domain=example.com; HttpOnly; Max-Age=0; Path=/x; SameSite=lax; Secure",
        ),
    ] {
        let site = Site::with(config);
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        assert_eq!(visitor.post("/clear", "").await.set_cookie(), Some(expected));
        assert_eq!(site.live().await, 0);
    }
}

/// Better: no word is an ID, so none is looked up; a visitor with that cookie is one without a session.
#[tokio::test]
async fn b_007_the_cookie_null_reaches_no_store() {
    let site = Site::new();
    let mut visitor = site.visitor();
    visitor.cookie = "session=null".to_owned();
    assert_eq!(visitor.absence().await, "malformed");
    assert_eq!(site.0.store.all_calls(), 0);
    visitor.post("/put", r#"{"a":1}"#).await;
    assert_ne!(visitor.cookie, "session=null");
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

/// Better: who has nothing to clear causes nothing.
#[tokio::test]
async fn b_008_clearing_nothing_costs_nothing() {
    let site = Site::new();
    assert_eq!(site.visitor().post("/clear", "").await.set_cookie(), None);
    assert_eq!(site.0.store.all_calls(), 0);
}

/// The same order. Different on purpose: data of a handler that nobody waits for is dropped with it, since its answer was
/// never given; what must be kept is saved with `save`.
#[tokio::test]
async fn b_009_it_is_stored_before_the_first_byte_goes_out() {
    let site = Site::new();
    let gate = Gate::new();
    site.0.store.inject(Operation::Create, 1, Fault::Wait(gate.clone()));
    let mut visitor = site.visitor();
    let mut request = Box::pin(visitor.post("/put", r#"{"a":1}"#));
    let first = std::future::poll_fn(|cx| std::task::Poll::Ready(request.as_mut().poll(cx))).await;
    assert!(first.is_pending(), "no answer before it is stored");
    gate.reached().await;
    gate.open();
    assert!(request.await.set_cookie().is_some());
    assert_eq!(visitor.data().await, json!({"a": 1}));

    async fn leaves(session: Session) {
        session.insert("kept", &1).unwrap();
        session.save().await.unwrap();
        session.insert("dropped", &1).unwrap();
        std::future::pending::<()>().await;
    }
    let site = Site::with_routes(litestar(), Router::new().route("/leaves", post(leaves)));
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let mut tab = visitor.clone();
    let mut request = Box::pin(tab.post("/leaves", ""));
    let first = std::future::poll_fn(|cx| std::task::Poll::Ready(request.as_mut().poll(cx))).await;
    assert!(first.is_pending());
    drop(request);
    assert_eq!(visitor.data().await, json!({"a": 1, "kept": 1}));
}

/// The same.
#[tokio::test]
async fn b_1_success_carries_the_cookie_and_stores() {
    for code in ["200", "204", "302", "303"] {
        let site = Site::new();
        let mut visitor = site.visitor();
        let answer = visitor.post(&format!("/status/{code}"), "").await;
        assert!(answer.set_cookie().is_some(), "{code}");
        assert_eq!(site.live().await, 1, "{code}");
    }
}

/// The same: a refusal may have something to remember, such as a failed attempt. A handler that refuses half-way takes
/// its changes back with `discard`.
#[tokio::test]
async fn b_1_client_error_stores_what_was_changed_before() {
    async fn refuses(session: Session) -> StatusCode {
        session.insert("half", &1).unwrap();
        session.discard().unwrap();
        StatusCode::CONFLICT
    }
    let site = Site::with_routes(litestar(), Router::new().route("/refuses", post(refuses)));
    let mut visitor = site.visitor();
    for code in [400, 401, 409] {
        assert_eq!(visitor.post(&format!("/status/{code}"), "").await.status, code);
        assert_eq!(visitor.data().await, json!({"changed": code}));
    }
    assert_eq!(visitor.post("/refuses", "").await.status, 409);
    assert_eq!(visitor.data().await, json!({"changed": 409}));
}

/// Better: what a handler had done when it failed is not stored, unless `save_on_server_error` asks for it.
#[tokio::test]
async fn b_1_server_error_stores_nothing() {
    for (save, expected) in [(false, json!({"a": 1})), (true, json!({"a": 1, "changed": 500}))] {
        let site = Site::with(litestar().with_save_on_server_error(save));
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        assert_eq!(visitor.post("/status/500", "").await.status, 500);
        assert_eq!(visitor.data().await, expected);
    }
}

/// The same. Better: a page for what was not found may use the session.
#[tokio::test]
async fn b_1_not_found_has_no_cookie_but_may_use_the_session() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let before = site.0.store.all_calls();
    for (method, path, status) in [("GET", "/nowhere", 404), ("GET", "/put", 405)] {
        let answer = visitor.send(method, path, "").await;
        assert_eq!((answer.status, answer.set_cookie()), (status, None));
    }
    assert_eq!(site.0.store.all_calls(), before);

    async fn page(session: Session) -> (StatusCode, String) {
        (StatusCode::NOT_FOUND, session.keys().join(","))
    }
    let site = Site::with_routes(litestar(), Router::new().fallback(page));
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let answer = visitor.get("/nowhere").await;
    assert_eq!((answer.status, &*answer.body), (404, "a"));
}

/// The same: what answers outside of the layer has nothing of it.
#[tokio::test]
async fn b_1_limited_has_no_cookie() {
    let mut site = Site::new();
    let limit =
        axum::middleware::from_fn(async |_: axum::extract::Request, _: axum::middleware::Next| {
            StatusCode::TOO_MANY_REQUESTS
        });
    site.0.router = site.0.router.layer(limit);
    let answer = site.visitor().post("/put", r#"{"a":1}"#).await;
    assert_eq!((answer.status, answer.set_cookie()), (429, None));
    assert_eq!(site.0.store.all_calls(), 0);
}

/// The same.
#[tokio::test]
async fn b_1_excluded_has_no_cookie_and_makes_no_store_call() {
    let site = Site::with(litestar().with_exclude(["/noop"]));
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let before = site.0.store.all_calls();
    for path in ["/noop", "/skip"] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.set_cookie(), None, "{path}");
    }
    assert_eq!(site.0.store.all_calls(), before);
}

/// The same; better: a 503 with `Retry-After`, in the application's own form.
#[tokio::test]
async fn b_1_failed_has_no_cookie() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    // A change that failed is tried again.
    for (operation, times) in [(Operation::Load, 1), (Operation::Update, 20)] {
        (1..=times).for_each(|nth| site.0.store.inject(operation, nth, Fault::Fail));
        let answer = visitor.post("/put", r#"{"a":2}"#).await;
        assert_eq!((answer.status, answer.set_cookie()), (503, None), "{operation:?}");
        assert_eq!(answer.header("retry-after"), Some("1"), "{operation:?}");
    }
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

/// Better: a change that nobody will store is an error where it is made; what is to be stored late is saved.
#[tokio::test]
async fn b_1_late_changes_are_an_error_or_saved() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let backend = site.0.layer.backend();
    let session = backend.load_from_connection([visitor.cookie.as_bytes()]).await.unwrap();
    backend.store_in_message(&session, 200).await.1.unwrap();
    assert_eq!(session.insert("late", &1).unwrap_err().kind(), ErrorKind::Closed);
    let late = session.detached();
    late.insert("late", &1).unwrap();
    late.save().await.unwrap();
    assert_eq!(visitor.data().await, json!({"a": 1, "late": 1}));
}
