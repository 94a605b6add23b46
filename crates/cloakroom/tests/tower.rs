//! The tower layer and the axum extractors: headers, misuse, panics, exclusion.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "tower/app.rs"]
mod app;
#[path = "tower/given_up.rs"]
mod given_up;
#[path = "sessions/log.rs"]
mod log;
#[path = "tower/refused.rs"]
mod refused;

use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Router};
use cloakroom::{
    MemoryStore, Scope, ServerSideSessionConfig, Session, SessionLayer, SessionSlot, SkipSession,
};
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY};
use http::{HeaderMap, Request, Response, StatusCode};
use tower::ServiceExt;

use crate::app::{App, lines, read, text};

#[tokio::test]
async fn s_025_the_default_cookie_to_the_letter() {
    let app = App::new(Router::new());
    let response = app.call("POST", "/set", "").await;
    let line = response.headers()[SET_COOKIE].to_str().unwrap();
    let (value, attributes) = line.split_once("; ").unwrap();
    assert!(value.starts_with("__Host-session=") && value.len() == 15 + 43, "{value}");
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1209600");
}

#[tokio::test]
async fn s_029_one_set_cookie_of_our_name_and_all_others() {
    async fn handler(session: Session) -> Response<Body> {
        session.insert("k", &1).unwrap();
        let mut response = Response::new(Body::empty());
        for line in ["a=1", "__Host-session=forged; Path=/", "__Host-session2=kept", "b=2"] {
            response.headers_mut().append(SET_COOKIE, line.parse().unwrap());
        }
        response
    }
    let app = App::new(Router::new().route("/both", get(handler)));
    let response = app.call("GET", "/both", "").await;
    let sent = lines(response.headers(), SET_COOKIE);
    assert_eq!(sent[..3], ["a=1", "__Host-session2=kept", "b=2"]);
    assert!(sent[3].starts_with("__Host-session=") && !sent[3].contains("forged"));
    assert_eq!(sent.len(), 4);
}

#[tokio::test]
async fn s_030_reading_sends_no_cookie() {
    let app = App::new(Router::new());
    let cookie = app.create().await;
    for _ in 0..10 {
        let response = app.call("GET", "/read", &cookie).await;
        assert!(!response.headers().contains_key(SET_COOKIE));
    }
}

#[tokio::test]
async fn s_033_the_cookie_is_marked_sensitive() {
    let app = App::new(Router::new());
    let response = app.call("POST", "/set", "").await;
    assert!(response.headers()[SET_COOKIE].is_sensitive());
    assert!(!format!("{response:?}").contains("__Host-session="));
}

#[tokio::test]
async fn s_053_a_request_that_is_dropped_still_ends_its_session() {
    async fn handler(session: Session) {
        session.destroy().unwrap();
        std::future::pending::<()>().await;
    }
    let app = App::new(Router::new().route("/leave", post(handler)));
    let cookie = app.create().await;
    let mut request = Box::pin(app.call("POST", "/leave", &cookie));
    let waiting =
        std::future::poll_fn(|cx| std::task::Poll::Ready(request.as_mut().poll(cx))).await;
    assert!(waiting.is_pending());
    let handle = app.layer.sessions().page(None, 1).await.unwrap()[0].handle;
    let ended = cloakroom::Store::ended(&app.store, handle);
    drop(request);
    ended.await;
    assert_eq!(app.layer.sessions().count().await.unwrap(), 0);
}

#[tokio::test]
async fn s_054_a_panic_ends_the_session_that_was_to_end() {
    async fn handler(session: Session) {
        session.destroy().unwrap();
        panic!("a handler panics");
    }
    let app = App::new(Router::new().route("/panic", post(handler)));
    let cookie = app.create().await;
    let handle = app.layer.sessions().page(None, 1).await.unwrap()[0].handle;
    let ended = cloakroom::Store::ended(&app.store, handle);
    let router = app.router.clone();
    let request = Request::post("/panic").header(COOKIE, &cookie).body(Body::empty()).unwrap();
    assert!(tokio::spawn(router.oneshot(request)).await.unwrap_err().is_panic());
    ended.await;
    assert_eq!(app.layer.sessions().count().await.unwrap(), 0);
}

#[tokio::test]
async fn s_088_an_outage_is_503_with_retry_after_and_the_rest_goes_on() {
    let app = App::new(Router::new().route("/plain", get(async || "ok")));
    let cookie = app.create().await;
    app.store.set_down(true);
    let response = app.call("GET", "/read", &cookie).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert!(!response.headers().contains_key(SET_COOKIE));
    assert_eq!(app.call("GET", "/plain", &cookie).await.status(), StatusCode::OK);
    // Without a cookie there is nothing to load; the handler runs, and its change cannot be stored.
    let response = app.call("POST", "/set", "").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!response.headers().contains_key(SET_COOKIE));
}

#[tokio::test]
async fn s_135_no_store_wins_with_a_cookie() {
    async fn handler(session: Session) -> impl IntoResponse {
        session.insert("k", &1).unwrap();
        [
            ("cache-control", "public, max-age=3600"),
            ("cdn-cache-control", "max-age=60"),
            ("surrogate-control", "max-age=60"),
            ("cloudflare-cdn-cache-control", "max-age=60"),
            ("x-accel-expires", "60"),
        ]
    }
    let app = App::new(Router::new().route("/cached", get(handler)));
    let response = app.call("GET", "/cached", "").await;
    assert_eq!(lines(response.headers(), CACHE_CONTROL), ["no-store"]);
    assert_eq!(lines(response.headers(), VARY), ["cookie"]);
    let kept: Vec<_> = response.headers().keys().map(|name| name.as_str()).collect();
    assert!(
        kept.iter()
            .all(|name| ["cache-control", "vary", "set-cookie", "content-length"].contains(name)),
        "{kept:?}"
    );
}

#[tokio::test]
async fn s_136_a_used_session_is_private_and_varies() {
    async fn handler(_: Session) -> impl IntoResponse {
        [("cache-control", "public, max-age=60, s-maxage=600"), ("vary", "accept")]
    }
    async fn none(session: Option<Session>) -> String {
        session.is_some().to_string()
    }
    let routes = Router::new().route("/cached", get(handler)).route("/maybe", get(none));
    let app = App::new(routes);
    for cookie in ["", "__Host-session=malformed"] {
        let response = app.call("GET", "/cached", cookie).await;
        assert_eq!(lines(response.headers(), CACHE_CONTROL), ["private, max-age=60"]);
        assert_eq!(lines(response.headers(), VARY), ["accept", "cookie"]);
        let response = app.call("GET", "/maybe", cookie).await;
        assert_eq!(lines(response.headers(), CACHE_CONTROL), ["private"]);
        assert_eq!(lines(response.headers(), VARY), ["cookie"]);
    }
}

/// With field names `private` leaves the rest of the response to shared caches (RFC 9111, section 5.2.2.7).
#[tokio::test]
async fn s_136_private_fields_are_not_a_private_response() {
    async fn handler(_: Session) -> impl IntoResponse {
        [("cache-control", "public, private=\"a, b\", max-age=60")]
    }
    let app = App::new(Router::new().route("/cached", get(handler)));
    let response = app.call("GET", "/cached", "").await;
    let expected = "private, private=\"a, b\", max-age=60";
    assert_eq!(lines(response.headers(), CACHE_CONTROL), [expected]);
}

#[tokio::test]
async fn s_137_an_untouched_session_changes_nothing() {
    let app = App::new(Router::new().route("/plain", get(async || [("cache-control", "public")])));
    let cookie = app.create().await;
    let calls = app.store.all_calls();
    let response = app.call("GET", "/plain", &cookie).await;
    assert_eq!(lines(response.headers(), CACHE_CONTROL), ["public"]);
    assert!(!response.headers().contains_key(VARY));
    assert_eq!(app.store.all_calls(), calls);
}

#[tokio::test]
async fn s_159_two_layers_are_an_error_where_the_session_is_used() {
    async fn kind(session: Result<Session, cloakroom::Error>) -> String {
        session.map_or_else(|error| error.kind().name().to_owned(), |_| "ok".to_owned())
    }
    let inner = SessionLayer::new(MemoryStore::new()).unwrap();
    let app = App::new(Router::new().route("/kind", get(kind)).layer(inner));
    assert_eq!(text(app.call("GET", "/kind", "").await).await, "layer-twice");
}

#[tokio::test]
async fn s_160_no_layer_is_a_clear_error() {
    let router: Router = Router::new().route("/read", get(read));
    let request = Request::get("/read").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(response).await, r#"{"error":"no-layer"}"#);
}

#[tokio::test]
async fn exclusion_is_anchored_and_marked_routes_have_no_session() {
    async fn kind(session: Result<Session, cloakroom::Error>) -> String {
        session.map_or_else(|error| error.kind().name().to_owned(), |_| "ok".to_owned())
    }
    let config = ServerSideSessionConfig::default()
        .with_exclude(["/private", "/static/.*"])
        .with_scopes([Scope::Http]);
    let routes = Router::new()
        .route("/private", get(kind))
        .route("/public/private", get(kind))
        .route("/static/{*rest}", get(kind))
        .route("/skip", get(kind).layer(Extension(SkipSession)));
    let app = App::with(config, routes);
    for (path, answer) in [
        ("/private", "excluded"),
        ("/public/private", "ok"),
        ("/static/a/b", "excluded"),
        ("/skip", "excluded"),
    ] {
        assert_eq!(text(app.call("GET", path, "").await).await, answer, "{path}");
    }
    let socket = Request::get("/public/private").header("sec-websocket-key", "x");
    let response = app.router.clone().oneshot(socket.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(text(response).await, "excluded");
}

#[tokio::test]
async fn outside_axum_the_slot_loads_the_session() {
    async fn handler(slot: Extension<SessionSlot>, headers: HeaderMap) -> String {
        let session = slot.load(&headers).await.unwrap();
        session.exists().to_string()
    }
    let app = App::new(Router::new().route("/slot", get(handler)));
    let cookie = app.create().await;
    assert_eq!(text(app.call("GET", "/slot", &cookie).await).await, "true");
    assert_eq!(text(app.call("GET", "/slot", "").await).await, "false");
}

#[tokio::test]
async fn s_062_every_dead_id_looks_the_same() {
    let app = App::new(Router::new());
    let revoked = app.create().await;
    let handle = app.layer.sessions().page(None, 1).await.unwrap()[0].handle;
    assert!(app.layer.sessions().revoke(handle).await.unwrap());
    let unknown = format!("__Host-session={}", "A".repeat(43));
    let mut answers = Vec::new();
    for cookie in ["", "__Host-session=malformed", &unknown, &revoked] {
        let response = app.call("GET", "/read", cookie).await;
        answers.push((response.status(), response.headers().clone(), text(response).await));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn s_130_options_head_and_unknown_paths_create_nothing() {
    let app = App::new(Router::new());
    for (method, path) in [("OPTIONS", "/set"), ("HEAD", "/read"), ("GET", "/nowhere")] {
        let response = app.call(method, path, "").await;
        assert!(!response.headers().contains_key(SET_COOKIE), "{method} {path}");
    }
    assert_eq!(app.store.all_calls(), 0);
}

#[tokio::test]
async fn s_132_a_store_that_hangs_holds_up_only_who_uses_it() {
    let app = App::new(Router::new().route("/plain", get(async || "ok")));
    let cookie = app.create().await;
    app.store.inject(cloakroom::testkit::Operation::Load, 1, cloakroom::testkit::Fault::Hang);
    let mut held = Box::pin(app.call("GET", "/read", &cookie));
    let waiting = std::future::poll_fn(|cx| std::task::Poll::Ready(held.as_mut().poll(cx))).await;
    assert!(waiting.is_pending());
    assert_eq!(app.call("GET", "/plain", &cookie).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn s_145_an_error_says_its_kind_and_nothing_else() {
    let app = App::new(Router::new());
    let cookie = app.create().await;
    app.store.set_down(true);
    let response = app.call("GET", "/read", &cookie).await;
    assert_eq!(text(response).await, r#"{"error":"unavailable"}"#);
}
