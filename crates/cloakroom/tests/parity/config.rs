//! A.1: the fields of the configuration.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use cloakroom::store::StoreRegistry;
use cloakroom::{
    MemoryStore, SameSite, Scope, ServerSideSessionBackend, ServerSideSessionConfig, SessionLayer,
    Store,
};
use http::Request;
use tower::ServiceExt;

use crate::app::{read, text};
use crate::site::Site;

fn litestar() -> ServerSideSessionConfig {
    ServerSideSessionConfig::litestar()
}

/// Which field a configuration is refused for.
#[track_caller]
fn refused(config: ServerSideSessionConfig, field: &str) {
    let error = ServerSideSessionBackend::new(MemoryStore::new(), config).unwrap_err();
    assert_eq!(error.field(), field, "{error}");
}

/// The attributes of the cookie of a new session.
async fn attributes(config: ServerSideSessionConfig) -> String {
    let site = Site::with(config);
    let answer = site.visitor().post("/put", r#"{"a":1}"#).await;
    answer.set_cookie().unwrap().split_once("; ").unwrap().1.to_owned()
}

/// Better: fewer bytes than make a guess hopeless are refused at start, not at the first request.
#[tokio::test]
async fn a_1_session_id_bytes_makes_hexadecimal_ids_of_twice_the_length() {
    for bytes in [32, 48, 64] {
        let site = Site::with(litestar().with_session_id_bytes(bytes));
        let visitor = site.with_session(r#"{"a":1}"#).await;
        let id = visitor.id();
        assert_eq!(id.len(), 2 * bytes);
        assert!(id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    }
    for bytes in [0, 1, 31, 65] {
        refused(litestar().with_session_id_bytes(bytes), "session_id_bytes");
    }
}

/// Better: the cookie is sent again with it, so that both sides of a session end together.
#[tokio::test]
async fn a_1_renew_on_access_restarts_the_deadline_of_what_is_only_read() {
    for (renew, lives) in [(false, false), (true, true)] {
        let config = litestar().with_max_age(Duration::from_secs(100)).with_renew_on_access(renew);
        let site = Site::with(config);
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        site.0.clock.advance(Duration::from_secs(60));
        assert_eq!(visitor.get("/session").await.set_cookie().is_some(), renew);
        site.0.clock.advance(Duration::from_secs(60));
        assert_eq!(visitor.absence().await == "live", lives, "{renew}");
    }
}

/// Better: a name that no browser takes is refused at start.
#[tokio::test]
async fn a_1_key_is_the_name_of_the_cookie() {
    let site = Site::with(litestar().with_key("sid"));
    assert!(site.with_session(r#"{"a":1}"#).await.cookie.starts_with("sid="));
    for key in ["", "my session", "a;b", "a=b", "\u{e4}"] {
        refused(litestar().with_key(key), "key");
    }
    refused(litestar().with_key("k".repeat(4096)), "key");
}

/// The same; better: a cookie without `Max-Age` is `browser_session`, and the server has an end all the same.
#[tokio::test]
async fn a_1_max_age_is_that_of_the_cookie_and_of_what_is_stored() {
    let site = Site::with(litestar().with_max_age(Duration::from_secs(90)));
    let mut visitor = site.visitor();
    let answer = visitor.post("/put", r#"{"a":1}"#).await;
    assert!(answer.set_cookie().unwrap().contains("; Max-Age=90; "));
    let cookie = visitor.cookie.clone();
    site.0.clock.advance(Duration::from_millis(89_999));
    assert_eq!(visitor.absence().await, "live");
    site.0.clock.advance(Duration::from_millis(1));
    assert_eq!(visitor.absence().await, "expired");
    assert_eq!(visitor.cookie, cookie, "reading sends none");

    refused(litestar().with_max_age(Duration::from_millis(999)), "max_age");
    let config = litestar().with_max_age(Duration::from_secs(90)).with_browser_session(true);
    let site = Site::with(config);
    let mut visitor = site.visitor();
    let answer = visitor.post("/put", r#"{"a":1}"#).await;
    assert!(!answer.set_cookie().unwrap().contains("Max-Age"));
    site.0.clock.advance(Duration::from_secs(90));
    assert_eq!(visitor.absence().await, "expired");
}

/// The same; better: no scope at all is refused rather than read as both.
#[tokio::test]
async fn a_1_scopes_leaves_the_other_kind_without_sessions() {
    let kind = async |session: Result<cloakroom::Session, cloakroom::Error>| match session {
        Ok(_) => "session".to_owned(),
        Err(error) => error.kind().name().to_owned(),
    };
    for (scopes, plain, socket) in [
        (&[Scope::Http, Scope::Websocket][..], "session", "session"),
        (&[Scope::Http], "session", "excluded"),
        (&[Scope::Websocket], "excluded", "session"),
    ] {
        let config = litestar().with_scopes(scopes.iter().copied());
        let site = Site::with_routes(config, Router::new().route("/kind", get(kind)));
        assert_eq!(site.visitor().get("/kind").await.body, plain);
        let request = Request::get("/kind").header("sec-websocket-key", "x");
        let request = request.body(axum::body::Body::empty()).unwrap();
        assert_eq!(text(site.0.router.clone().oneshot(request).await.unwrap()).await, socket);
    }
    refused(litestar().with_scopes([]), "scopes");
}

/// The same: it says where the browser sends the cookie, and is not compared with the request.
#[tokio::test]
async fn a_1_path_is_copied_into_the_cookie() {
    assert!(attributes(litestar().with_path("/shop")).await.contains("; Path=/shop; "));
    let site = Site::with(litestar().with_path("/shop"));
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    assert_eq!(visitor.absence().await, "live");
    refused(litestar().with_path("shop"), "path");
    refused(litestar().with_path("/a;b"), "path");
}

/// The same.
#[tokio::test]
async fn a_1_domain_is_copied_into_the_cookie() {
    let line = attributes(litestar().with_domain("example.com")).await;
    assert!(line.starts_with("Domain=example.com; "), "{line}");
    assert!(!attributes(litestar()).await.contains("Domain"));
    refused(litestar().with_domain("a b"), "domain");
}

/// The same in the preset for sharing; better: all other presets are `Secure`, and the name has a prefix for it.
#[tokio::test]
async fn a_1_secure_is_off_in_this_preset_alone() {
    assert!(!attributes(litestar()).await.contains("Secure"));
    assert!(attributes(litestar().with_secure(true)).await.ends_with("; Secure"));
    assert!(attributes(ServerSideSessionConfig::default()).await.contains("Secure"));
}

/// The same.
#[tokio::test]
async fn a_1_httponly_is_on_unless_switched_off() {
    assert!(attributes(litestar()).await.starts_with("HttpOnly; "));
    assert!(!attributes(litestar().with_httponly(false)).await.contains("HttpOnly"));
}

/// The same spelling; better: what a browser would drop is refused at start.
#[tokio::test]
async fn a_1_samesite_is_written_in_lower_case_and_checked() {
    assert!(attributes(litestar()).await.ends_with("; SameSite=lax"));
    let strict = litestar().with_samesite(SameSite::Strict);
    assert!(attributes(strict).await.ends_with("; SameSite=strict"));
    let none = litestar().with_samesite(SameSite::None);
    assert!(attributes(none.clone().with_secure(true)).await.contains("; SameSite=none; "));
    refused(none, "samesite");
    assert!(litestar().set("samesite", "bogus").is_err());
}

/// The same as a list; better: a pattern is to match the whole path.
#[tokio::test]
async fn a_1_exclude_takes_patterns_of_whole_paths() {
    let site = Site::with(litestar().with_exclude(["/session", "/public/.*"]));
    for (path, status) in
        [("/session", 500), ("/public/a/b", 500), ("/public", 200), ("/absence", 200)]
    {
        assert_eq!(site.visitor().get(path).await.status, status, "{path}");
    }
    assert!(!site.0.layer.backend().excludes(Scope::Http, "/a/session"));
}

/// The mark is a type here; the name of the option is kept, so that one configuration does for both sides.
#[tokio::test]
async fn a_1_exclude_opt_key_is_a_mark_on_the_route() {
    let site = Site::with(litestar().with_exclude_opt_key("no_session"));
    let answer = site.visitor().get("/skip").await;
    assert_eq!((answer.status, &*answer.body), (500, r#"{"error":"excluded"}"#));
    assert_eq!(site.0.store.all_calls(), 0);
}

/// Better: looked up once, when the layer is made; a name that is not there is an error with those that are.
#[test]
fn a_1_store_is_a_name_in_a_registry() {
    let mut stores = StoreRegistry::new();
    stores.register("admin", MemoryStore::new()).unwrap();
    let config = litestar().with_store("admin");
    assert_eq!(config.get_store_from_app(&stores).unwrap().name(), "memory");
    let error = litestar().get_store_from_app(&stores).unwrap_err().to_string();
    assert!(error.contains("`sessions`") && error.contains("admin"), "{error}");
}

/// The counterpart is a layer, of a store and a configuration.
#[tokio::test]
async fn a_1_middleware_is_a_layer() {
    let layer = SessionLayer::with_config(MemoryStore::new(), litestar()).unwrap();
    let router: Router = Router::new().route("/read", get(read)).layer(layer);
    let request = Request::get("/read").body(axum::body::Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), 200);
}

/// The same: what it returns is the store that the layer is given.
#[tokio::test]
async fn a_1_get_store_from_app_gives_the_store_of_that_name() {
    let mut stores = StoreRegistry::new();
    stores.register("sessions", MemoryStore::new()).unwrap();
    let backend = |store| ServerSideSessionBackend::new(store, litestar()).unwrap();
    let one = backend(litestar().get_store_from_app(&stores).unwrap());
    let session = one.load_from_connection([]).await.unwrap();
    session.insert("a", &1).unwrap();
    one.store_in_message(&session, 200).await.1.unwrap();
    let other = backend(stores.get("sessions").unwrap());
    assert_eq!(other.sessions().count().await.unwrap(), 1);
}
