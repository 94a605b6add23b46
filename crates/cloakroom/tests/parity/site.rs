//! The routes that the list of behaviours is about, and someone who visits them.

use axum::body::Body;
use axum::extract::Path;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use cloakroom::testkit::client::Answer;
use cloakroom::{Error, ServerSideSessionConfig, Session, SkipSession};
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::app::{App, answer};

/// A site on the preset for sharing sessions with Litestar, so that its cookies are those of the list.
pub(crate) struct Site(pub(crate) App);

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(ServerSideSessionConfig::litestar())
    }

    pub(crate) fn with(config: ServerSideSessionConfig) -> Self {
        Self::with_routes(config, Router::new())
    }

    pub(crate) fn with_routes(config: ServerSideSessionConfig, more: Router) -> Self {
        let routes = more
            .route("/noop", any(async || "ok"))
            .route("/session", get(show))
            .route("/absence", get(absence))
            .route("/put", post(put))
            .route("/remove/{key}", post(remove))
            .route("/empty", post(empty))
            .route("/clear", post(clear))
            .route("/login", post(login))
            .route("/status/{code}", post(status))
            .route("/skip", get(show).layer(Extension(SkipSession)))
            .route("/public", get(show))
            .route("/public/{*rest}", get(show));
        Self(App::with(config, routes))
    }

    /// Someone without a cookie.
    pub(crate) fn visitor(&self) -> Visitor<'_> {
        Visitor { site: self, cookie: String::new() }
    }

    /// Someone with a session of this data.
    pub(crate) async fn with_session(&self, data: &'static str) -> Visitor<'_> {
        let mut visitor = self.visitor();
        assert_eq!(visitor.post("/put", data).await.status, 204);
        visitor
    }

    pub(crate) async fn live(&self) -> u64 {
        self.0.layer.sessions().count().await.unwrap()
    }
}

/// Someone who keeps the cookie. A clone is another tab of the same browser.
#[derive(Clone)]
pub(crate) struct Visitor<'s> {
    site: &'s Site,
    /// What goes into a `Cookie` header; empty without one.
    pub(crate) cookie: String,
}

impl Visitor<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &'static str) -> Answer {
        self.send("POST", path, body).await
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &'static str) -> Answer {
        let response = self.site.0.send(method, path, &[&self.cookie], body).await;
        let answer = answer(response).await;
        if let Some(pair) = answer.cookie_pair() {
            self.cookie = if answer.expires_cookie() { String::new() } else { pair.to_owned() };
        }
        answer
    }

    /// The data of the session, as a JSON object.
    pub(crate) async fn data(&mut self) -> Value {
        let answer = self.get("/session").await;
        assert_eq!(answer.status, 200);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Why there is no session; `live` if there is one.
    pub(crate) async fn absence(&mut self) -> String {
        self.get("/absence").await.body
    }

    pub(crate) fn id(&self) -> &str {
        self.cookie.split_once('=').expect("a cookie").1
    }
}

type Answered<T = StatusCode> = Result<T, Error>;

async fn show(session: Session) -> Answered<String> {
    Ok(Value::Object(session.decode()?).to_string())
}

async fn absence(session: Session) -> &'static str {
    session.absence().map_or("live", cloakroom::Absence::name)
}

async fn put(session: Session, body: String) -> Answered {
    let members: Map<String, Value> = serde_json::from_str(&body).unwrap();
    for (key, value) in &members {
        session.insert(key.as_str(), value)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(session: Session, Path(key): Path<String>) -> Answered {
    session.remove(&key)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn empty(session: Session) -> Answered {
    session.clear()?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear(session: Session) -> Answered {
    session.destroy()?;
    Ok(StatusCode::NO_CONTENT)
}

/// As many sign in: what was there is dropped, then something is set.
async fn login(session: Session) -> Answered {
    session.destroy()?;
    session.insert("user", "ada")?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes something, then answers that status.
async fn status(session: Session, Path(code): Path<u16>) -> Answered<Response<Body>> {
    session.insert("changed", &code)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    Ok(response)
}
