//! A session that is not used costs nothing.

use serde_json::json;

use super::{Site, Start};
use crate::config::ServerSideSessionConfig;
use crate::testkit::client::Answer;

fn says_nothing_of_sessions(answer: &Answer, path: &str) {
    for name in ["set-cookie", "vary", "cache-control"] {
        assert_eq!(answer.all(name), [""; 0], "{name} of {path}");
    }
}

/// A request that does not use its session makes no store call, and its response says nothing of sessions.
pub async fn s_137_a_session_that_is_not_used_costs_nothing(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let calls = site.store.all_calls();
    let answer = visitor.get("/untouched").await;
    assert_eq!((answer.status, &*answer.body), (200, "ok"));
    says_nothing_of_sessions(&answer, "/untouched");
    assert_eq!(site.store.all_calls(), calls, "calls of the store");
}

/// Reading without a cookie finds no session, asks no store for it, and starts none.
pub async fn s_125_reading_without_a_cookie_costs_no_store_call(start: impl Start) {
    let site = Site::by_default(&start).await;
    let answer = site.visitor().get("/session").await;
    assert_eq!(answer.set_cookie(), None);
    let session = answer.json();
    assert_eq!(
        (&session["exists"], &session["absence"], &session["subject"], &session["data"]),
        (&json!(false), &json!("no-cookie"), &json!(null), &json!({}))
    );
    assert_eq!(site.store.all_calls(), 0, "calls of the store");
}

/// What leaves a session without data starts none, and ending none is nothing.
pub async fn s_128_nothing_to_store_is_not_stored(start: impl Start) {
    let site = Site::by_default(&start).await;
    for (path, body) in [("/set", "{}"), ("/destroy", "")] {
        let answer = site.visitor().post(path, body).await;
        assert_eq!((answer.status, answer.set_cookie()), (204, None), "{path}");
    }
    assert_eq!(site.store.all_calls(), 0, "calls of the store");
}

/// Where sessions are excluded, by a mark on the route or by the path, there is none, whatever the cookie.
pub async fn excluded_routes_have_no_session(start: impl Start) {
    let config = ServerSideSessionConfig::default().with_exclude(["/public/.*"]);
    let site = Site::start(&start, config).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let calls = site.store.all_calls();
    for (path, says) in [("/skip", "skipped"), ("/public/a/b", "excluded")] {
        let answer = visitor.get(path).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"session": says})), "{path}");
        says_nothing_of_sessions(&answer, path);
    }
    assert_eq!(site.store.all_calls(), calls, "calls of the store");
}

/// A path is excluded by the configuration alone.
pub async fn nothing_is_excluded_by_default(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    assert_eq!(visitor.get("/public/a").await.json()["data"], json!({"a": 1}));
}
