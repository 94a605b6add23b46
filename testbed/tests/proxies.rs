//! What stands between browser and application: a proxy that ends TLS, and a layer that answers preflights.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;

use axum::Router;
use axum::routing::post;
use cloakroom::testkit::client::{ask, is_alive};
use cloakroom::{Session, SessionLayer};
use tower_http::cors::CorsLayer;

use crate::site::{NAME, backend, serve};

/// Without TLS of its own the application cannot know that the browser has it, and need not.
#[tokio::test]
async fn s_035_behind_a_proxy_the_cookie_is_sent_and_secure() {
    let testbed = site::start().await;
    let forwarded: [&[&[u8]]; 4] = [
        &[],
        &[b"X-Forwarded-Proto: http"],
        &[b"X-Forwarded-Proto: https", b"X-Forwarded-Host: shop.example"],
        &[b"Forwarded: for=192.0.2.1;proto=http;host=shop.example"],
    ];
    for lines in forwarded {
        let answer = ask(testbed.address, "POST /set", lines, r#"{"k":1}"#).await;
        assert_eq!(answer.status, 204);
        let line = answer.set_cookie().unwrap();
        assert!(line.starts_with(&format!("{NAME}=")), "{line}");
        assert!(line.contains("; Secure;"), "{line}");
        assert!(is_alive(testbed.address, line.split(';').next().unwrap()).await);
    }
}

async fn buy(session: Session) -> Result<(), cloakroom::Error> {
    session.insert("bought", &true)
}

/// The layer for cross-origin requests answers a preflight itself, inside the session layer or outside of it;
/// the request that follows has its session.
#[tokio::test]
async fn s_130_a_preflight_creates_nothing() {
    let testbed = site::start().await;
    let sessions = || SessionLayer::from_backend(backend(&testbed, &[]));
    let routes = || Router::new().route("/buy", post(buy));
    let outside = routes().layer(sessions()).layer(CorsLayer::very_permissive());
    let inside = routes().layer(CorsLayer::very_permissive()).layer(sessions());
    for app in [outside, inside] {
        let address = serve(app).await;
        let origin: &[u8] = b"Origin: https://elsewhere.example";
        let preflight = [origin, b"Access-Control-Request-Method: POST", b"Cookie: a=b"];
        let calls = testbed.store.all_calls();
        let answer = ask(address, "OPTIONS /buy", &preflight, "").await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("access-control-allow-methods").is_some(), "{answer:?}");
        assert_eq!(answer.set_cookie(), None);
        assert_eq!(testbed.store.all_calls(), calls);
        let answer = ask(address, "POST /buy", &[origin], "").await;
        assert!(answer.set_cookie().is_some());
    }
}
