//! An application on a store that can fail and a clock that can be set, called without a socket.
#![allow(dead_code, reason = "each test program uses its part")]

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use cloakroom::testkit::client::Answer;
use cloakroom::testkit::{FaultyStore, TestClock};
use cloakroom::{
    MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig, Session, SessionLayer,
};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, Request, Response, StatusCode};
use tower::ServiceExt;

pub(crate) type TestStore = FaultyStore<MemoryStore>;

pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) store: TestStore,
    pub(crate) layer: SessionLayer,
    pub(crate) clock: TestClock,
}

impl App {
    pub(crate) fn new(routes: Router) -> Self {
        Self::with(ServerSideSessionConfig::default(), routes)
    }

    pub(crate) fn with(config: ServerSideSessionConfig, routes: Router) -> Self {
        let (store, clock) = (FaultyStore::new(MemoryStore::new()), TestClock::new());
        let backend = ServerSideSessionBackend::new(store.clone(), config).unwrap();
        let layer = SessionLayer::from_backend(backend.with_clock(clock.clone()));
        let routes = routes.route("/set", post(set)).route("/read", get(read));
        Self { router: routes.layer(layer.clone()), store, layer, clock }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, cookie: &str) -> Response<Body> {
        self.send(method, path, &[cookie], "").await
    }

    /// A request with these `Cookie` lines and a body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        cookies: &[&str],
        body: &'static str,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for cookie in cookies {
            request = request.header(COOKIE, *cookie);
        }
        self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }

    pub(crate) async fn create(&self) -> String {
        let response = self.call("POST", "/set", "").await;
        let line = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        line.split(';').next().unwrap().to_owned()
    }
}

async fn set(session: Session) -> Result<StatusCode, cloakroom::Error> {
    session.insert("k", &1)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn read(session: Session) -> String {
    session.keys().join(",")
}

pub(crate) fn lines(headers: &HeaderMap, name: http::HeaderName) -> Vec<&str> {
    headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect()
}

pub(crate) async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The response as a client reads it.
pub(crate) async fn answer(response: Response<Body>) -> Answer {
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    Answer { status: response.status().as_u16(), headers, body: text(response).await }
}
