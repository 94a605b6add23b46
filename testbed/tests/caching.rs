//! No cache gives one visitor's response to another, and who does not use the session pays nothing for it.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;
mod websocket;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::get;
use cloakroom::testkit::adapter::Site;
use cloakroom::testkit::client::{Visitor, ask};
use cloakroom::{Session, SessionLayer};
use serde_json::json;

use crate::site::{NAME, backend, serve};

/// What some shared caches obey before `Cache-Control`.
const FOR_SHARED_CACHES: [&str; 4] =
    ["cdn-cache-control", "surrogate-control", "cloudflare-cdn-cache-control", "x-accel-expires"];

/// What a handler says that thinks nothing of sessions.
fn public() -> HeaderMap {
    let lines = [
        ("cache-control", "public, max-age=3600, s-maxage=7200"),
        ("cdn-cache-control", "max-age=3600"),
        ("surrogate-control", "max-age=3600"),
        ("cloudflare-cdn-cache-control", "max-age=3600"),
        ("x-accel-expires", "3600"),
        ("vary", "accept"),
    ];
    lines
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .into_iter()
        .collect()
}

/// `/none/{status}`, `/read/{status}` and `/write/{status}` answer as if everybody might keep it.
async fn careless(testbed: &Site) -> std::net::SocketAddr {
    let status = |code| StatusCode::from_u16(code).unwrap();
    let app = Router::new()
        .route("/none/{code}", get(move |Path(code)| async move { (status(code), public()) }))
        .route(
            "/read/{code}",
            get(move |_: Session, Path(code)| async move { (status(code), public()) }),
        )
        .route(
            "/write/{code}",
            get(move |session: Session, Path(code)| async move {
                session.sign_in("ada").unwrap();
                (status(code), public())
            }),
        )
        .layer(SessionLayer::from_backend(backend(testbed, &[("save_on_server_error", "true")])));
    serve(app).await
}

#[tokio::test]
async fn s_135_no_store_wins_with_a_cookie() {
    let testbed = site::start().await;
    let address = careless(&testbed).await;
    for status in [200, 301, 304, 404, 500] {
        let answer = ask(address, &format!("GET /write/{status}"), &[], "").await;
        assert_eq!(answer.status, status);
        assert!(answer.set_cookie().is_some(), "{status}");
        assert_eq!(answer.all("cache-control"), ["no-store"], "{status}");
        for name in FOR_SHARED_CACHES {
            assert_eq!(answer.all(name), [""; 0], "{status}");
        }
        assert_eq!(answer.all("vary"), ["accept", "cookie"], "{status}");
    }
}

#[tokio::test]
async fn s_135_every_answer_that_sets_or_takes_the_cookie_is_not_stored() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    let requests = [
        ("/set", r#"{"a":1}"#),
        ("/cycle", ""),
        ("/sign-in", r#"{"subject":"ada"}"#),
        ("/max-age", r#"{"seconds":60}"#),
        ("/sign-out/status/500", ""),
    ];
    for (path, body) in requests {
        let answer = visitor.post(path, body).await;
        assert!(answer.set_cookie().is_some(), "{path}");
        assert_eq!(answer.all("cache-control"), ["no-store"], "{path}");
        assert_eq!(answer.all("vary"), ["cookie"], "{path}");
    }
}

#[tokio::test]
async fn s_136_a_session_that_was_used_is_private_and_varies() {
    let testbed = site::start().await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    let live = visitor.cookie.unwrap();
    let address = careless(&testbed).await;
    let cookies =
        [live, String::new(), format!("{NAME}=short"), format!("{NAME}={}", "A".repeat(43))];
    for cookie in cookies {
        let line = format!("Cookie: {cookie}");
        let lines: &[&[u8]] = if cookie.is_empty() { &[] } else { &[line.as_bytes()] };
        for status in [200, 304, 404, 500] {
            let answer = ask(address, &format!("GET /read/{status}"), lines, "").await;
            assert_eq!(answer.set_cookie(), None);
            assert_eq!(answer.all("cache-control"), ["private, max-age=3600"], "{cookie}");
            for name in FOR_SHARED_CACHES {
                assert_eq!(answer.all(name), [""; 0], "{cookie}");
            }
            assert_eq!(answer.all("vary"), ["accept", "cookie"], "{cookie}");
        }
        for path in ["/session", "/key/a", "/key/none", "/slow", "/devices", "/public/x", "/stream"]
        {
            let answer = ask(testbed.address, &format!("GET {path}"), lines, "").await;
            assert_eq!(answer.all("cache-control"), ["private"], "{path} {cookie}");
            assert_eq!(answer.all("vary"), ["cookie"], "{path} {cookie}");
        }
    }
}

#[tokio::test]
async fn s_137_a_session_that_was_not_used_changes_nothing() {
    let testbed = site::start_with(&[("exclude", "/public/.*")]).await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    let mut careless =
        Visitor { address: careless(&testbed).await, cookie: visitor.cookie.clone() };
    let calls = testbed.store.all_calls();
    for status in [200, 304, 404, 500] {
        let answer = careless.get(&format!("/none/{status}")).await;
        assert_eq!(answer.all("cache-control"), ["public, max-age=3600, s-maxage=7200"]);
        assert_eq!(answer.all("cdn-cache-control"), ["max-age=3600"]);
        assert_eq!(answer.all("surrogate-control"), ["max-age=3600"]);
        assert_eq!(answer.all("vary"), ["accept"]);
    }
    let mut visitor = visitor;
    for path in ["/untouched", "/skip", "/public/a", "/nowhere", "/metrics"] {
        let answer = visitor.get(path).await;
        for name in ["cache-control", "vary", "set-cookie"] {
            assert_eq!(answer.all(name), [""; 0], "{path}");
        }
    }
    assert_eq!(testbed.store.all_calls(), calls);
}

#[tokio::test]
async fn s_125_reading_without_a_cookie_costs_the_store_nothing() {
    let testbed = site::start().await;
    for path in ["/session", "/key/a", "/slow", "/untouched", "/devices", "/stream", "/skip"] {
        for _ in 0..50 {
            assert_eq!(testbed.visitor().get(path).await.set_cookie(), None, "{path}");
        }
    }
    assert_eq!(testbed.store.all_calls(), 0);
}

#[tokio::test]
async fn s_130_options_head_and_unknown_paths_create_nothing() {
    let testbed = site::start().await;
    let preflight: &[&[u8]] =
        &[b"Origin: https://elsewhere.example", b"Access-Control-Request-Method: POST"];
    for path in ["/set", "/session", "/sign-in", "/nowhere", "/ws", "/incr/a", "*"] {
        for method in ["OPTIONS", "HEAD", "TRACE", "PUT", "PATCH"] {
            let answer = ask(testbed.address, &format!("{method} {path}"), preflight, "").await;
            assert_eq!(answer.set_cookie(), None, "{method} {path}");
            assert!(answer.status < 500, "{method} {path}");
        }
    }
    assert_eq!(testbed.store.all_calls(), 0);
}

#[tokio::test]
async fn s_131_appending_for_ever_stops_at_the_limit() {
    let testbed = site::start().await;
    let chunk = json!("x".repeat(1000)).to_string();
    let mut visitor = testbed.signed_in("ada").await;
    let mut pushed = 0;
    let refused = loop {
        let answer = visitor.post("/push/list", &chunk).await;
        if answer.status != 204 {
            break answer;
        }
        pushed += 1;
        assert!(pushed <= 16, "16 KiB hold no more than 16 of them");
    };
    assert_eq!(refused.error(), (413, "too-large".to_owned()));
    assert_eq!(refused.set_cookie(), None);
    assert_eq!(visitor.data().await["list"].as_array().unwrap().len(), pushed);

    let mut visitor = testbed.signed_in("bob").await;
    for n in 0..128 {
        visitor.does("/set", &json!({format!("k{n}"): 1}).to_string()).await;
    }
    assert_eq!(visitor.post("/set", r#"{"one more":1}"#).await.error().0, 413);
    assert_eq!(visitor.post("/incr/another", "").await.error().0, 413);
    assert_eq!(visitor.data().await.as_object().unwrap().len(), 128);
    visitor.does("/set", r#"{"k0":2}"#).await;
}

#[tokio::test]
async fn s_134_malformed_cookies_cost_the_store_nothing() {
    let testbed = site::start().await;
    for n in 0..500 {
        let cookie = format!("{NAME}={n}");
        let mut visitor = Visitor { address: testbed.address, cookie: Some(cookie) };
        let answer = visitor.get("/session").await;
        assert_eq!(
            (answer.json()["absence"].as_str(), answer.set_cookie()),
            (Some("malformed"), None)
        );
    }
    assert_eq!(testbed.store.all_calls(), 0);
}
