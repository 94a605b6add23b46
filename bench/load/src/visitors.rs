//! Those who send requests: each keeps a cookie.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Request, Response};
use tower::ServiceExt;

use crate::Action;

/// An application without sockets, and the cookies of its sessions.
pub(crate) struct Visitors {
    app: Router,
    cookies: Vec<String>,
}

impl Visitors {
    pub(crate) fn new(app: Router) -> Self {
        Self { app, cookies: Vec::new() }
    }

    pub(crate) fn cookies(&self) -> &[String] {
        &self.cookies
    }

    pub(crate) async fn fill(&mut self, sessions: usize) {
        self.cookies.clear();
        for _ in 0..sessions {
            self.cookies.push(cookie(&send(&self.app, "/fill", "").await).unwrap_or_default());
        }
    }

    pub(crate) async fn once(&mut self, action: Action, calls: usize) {
        for visitor in 0..calls {
            let shown = if action == Action::Create { "" } else { &*self.cookies[visitor] };
            let response = send(&self.app, action.path(), shown).await;
            if let (Action::Cycle, Some(changed)) = (action, cookie(&response)) {
                self.cookies[visitor] = changed;
            }
        }
    }

    /// Requests a second; each task sends one at least.
    pub(crate) async fn load(&self, action: Action, tasks: usize, time: Duration) -> f64 {
        let cookies: Arc<[String]> = self.cookies.clone().into();
        let started = Instant::now();
        let tasks: Vec<_> = (0..tasks)
            .map(|task| {
                let (app, cookies) = (self.app.clone(), cookies.clone());
                tokio::spawn(async move {
                    let own = || cookies.iter().skip(task).step_by(tasks);
                    let mut calls = 0_u64;
                    for shown in std::iter::repeat_with(own).flatten() {
                        let shown = if action == Action::Create { "" } else { shown };
                        send(&app, action.path(), shown).await;
                        calls += 1;
                        if started.elapsed() >= time {
                            break;
                        }
                    }
                    calls
                })
            })
            .collect();
        let mut calls = 0;
        for task in tasks {
            calls += task.await.unwrap();
        }
        calls as f64 / started.elapsed().as_secs_f64()
    }

    /// Keys that the session holds after each of so many requests at a time has inserted one.
    pub(crate) async fn writers(&self, writers: usize) -> usize {
        let before = keys(&self.app, &self.cookies[0]).await;
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (app, cookie) = (self.app.clone(), self.cookies[0].clone());
                tokio::spawn(async move { send(&app, &format!("/write/w{writer}"), &cookie).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        keys(&self.app, &self.cookies[0]).await - before
    }
}

async fn keys(app: &Router, cookie: &str) -> usize {
    let body = send(app, "/keys", cookie).await.into_body();
    let body = to_bytes(body, 64).await.unwrap();
    std::str::from_utf8(&body).unwrap().parse().unwrap()
}

async fn send(app: &Router, path: &str, cookie: &str) -> Response<Body> {
    let mut request = Request::get(path);
    if !cookie.is_empty() {
        request = request.header(COOKIE, cookie);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    // A request that failed would cost something else than what is measured.
    assert!(response.status().is_success(), "{path}: {}", response.status());
    response
}

fn cookie(response: &Response<Body>) -> Option<String> {
    let line = response.headers().get(SET_COOKIE)?.to_str().unwrap();
    line.split(';').next().map(str::to_owned)
}
