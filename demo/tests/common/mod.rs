//! A shop of its own for each test, and browsers that keep its cookie.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use cloakroom::{MemoryStore, SessionLayer, Store};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// A shop nobody else knows.
pub(crate) struct Shop {
    pub(crate) app: Router,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::on(MemoryStore::new())
    }

    pub(crate) fn on(store: impl Store) -> Self {
        let layer = SessionLayer::with_config(store, demo::config()).unwrap();
        let app = demo::App::new(layer.sessions());
        Self { app: demo::app(layer, app) }
    }

    /// Starts the shop on a free port and returns its `host:port`.
    pub(crate) async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let app = self.app.clone();
        tokio::spawn(async move { axum::serve(listener, app).await });
        host
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { app: self.app.clone(), cookie: None, agent: String::new() }
    }
}

/// Sends requests to the shop and keeps the one cookie it sets.
pub(crate) struct Browser {
    app: Router,
    cookie: Option<String>,
    agent: String,
}

/// An answer, read to the end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn with_cookie(mut self, cookie: &str) -> Self {
        self.cookie = Some(cookie.to_owned());
        self
    }

    pub(crate) fn with_agent(mut self, agent: &str) -> Self {
        self.agent = agent.to_owned();
        self
    }

    /// `name=value`, as a browser would send it.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.cookie.clone()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "", &[]).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, form, &[]).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send(Method::POST, path, form, headers).await
    }

    pub(crate) async fn sign_up(&mut self, name: &str, email: &str) {
        let form = format!("name={name}&email={email}&password=correct+horse");
        assert_eq!(self.post("/sign-up", &form).await.status, StatusCode::SEE_OTHER);
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let password = password.replace(' ', "+");
        self.post("/sign-in", &format!("email={email}&password={password}")).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::HOST, "localhost:3000")
            .header(header::USER_AGENT, &self.agent);
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();

        if let Some(cookie) = parts.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let expired = cookie.contains("Max-Age=0");
            self.cookie = (!expired).then(|| cookie.split(';').next().unwrap().to_owned());
        }
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}
