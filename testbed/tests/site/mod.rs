//! The testbed on a store and a clock that obey the test, and applications of a test's own.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

use std::net::SocketAddr;

use axum::Router;
use cloakroom::testkit::Operation;
use cloakroom::testkit::adapter::Site;
use cloakroom::testkit::client::{Answer, Visitor};
use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The full name of the session cookie by default.
pub(crate) const NAME: &str = "__Host-session";

/// Starts the testbed with the defaults.
pub(crate) async fn start() -> Site {
    start_with(&[]).await
}

/// Starts the testbed with settings, as `--set` takes them.
pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Site {
    Site::start(&serve_testbed, config(settings)).await
}

/// Serves the testbed on a backend.
pub(crate) async fn serve_testbed(backend: ServerSideSessionBackend) -> SocketAddr {
    serve(testbed::app(backend)).await
}

/// Serves an application.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A backend on the site's store and clock, for another node or an application of the test's own.
pub(crate) fn backend(site: &Site, settings: &[(&str, &str)]) -> ServerSideSessionBackend {
    ServerSideSessionBackend::new(site.store.clone(), config(settings))
        .unwrap()
        .with_clock(site.clock.clone())
}

fn config(settings: &[(&str, &str)]) -> ServerSideSessionConfig {
    let defaults = ServerSideSessionConfig::default();
    settings.iter().fold(defaults, |config, (name, value)| config.set(name, value).unwrap())
}

/// The ID that a visitor holds.
pub(crate) fn id_of(visitor: &Visitor) -> String {
    visitor.cookie.as_ref().unwrap().split_once('=').unwrap().1.to_owned()
}

/// Starts a request with a `delay=` and returns when it has loaded its session and waits.
pub(crate) async fn waiting(
    site: &Site,
    visitor: &Visitor,
    request: (&'static str, &'static str, &'static str),
) -> JoinHandle<Answer> {
    let (request, gate) = site.held(visitor, (Operation::Load, 1), request).await;
    gate.open();
    // The in-memory store answers at once: whoever asks after it finds it loaded.
    site.visitor().get("/untouched").await;
    site.visitor().get("/count").await;
    request
}
