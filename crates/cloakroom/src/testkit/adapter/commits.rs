//! What is stored, when, and what the answer says if it cannot be.

use serde_json::json;

use super::{Site, Start};
use crate::testkit::client::{Answer, session_of};
use crate::testkit::{Fault, Operation};

/// A response with status 5xx stores no data; any other does.
pub async fn a_status_decides_whether_data_is_stored(start: impl Start) {
    let site = Site::by_default(&start).await;
    for (code, saves) in
        [(200, true), (302, true), (404, true), (499, true), (500, false), (503, false)]
    {
        let answer = site.visitor().post(&format!("/status/{code}"), r#"{"a":1}"#).await;
        assert_eq!((answer.status, answer.set_cookie().is_some()), (code, saves), "{code}");
        let mut visitor = site.with_session(r#"{"a":0}"#).await;
        assert_eq!(visitor.post(&format!("/status/{code}"), r#"{"a":1}"#).await.status, code);
        assert_eq!(visitor.data().await, json!({"a": u8::from(saves)}), "{code}");
    }
    assert_eq!(site.live().await, 10, "four of them new, and six that were there");
}

/// An end takes effect whatever the status, and the cookie goes with it.
pub async fn s_054_an_end_takes_effect_whatever_the_status(start: impl Start) {
    let site = Site::by_default(&start).await;
    for code in [200, 302, 404, 500, 503] {
        let mut visitor = site.signed_in("ada").await;
        let replayed = visitor.clone();
        let answer = visitor.post(&format!("/destroy/status/{code}"), "").await;
        assert_eq!((answer.status, answer.expires_cookie()), (code, true), "{code}");
        assert!(!site.knows(&replayed).await, "{code}");
    }
    assert_eq!(site.live().await, 0);
}

/// A cookie is worth nothing after the end of its session, and who goes on with it gets another.
pub async fn s_049_a_cookie_is_worth_nothing_after_the_end(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let mut replayed = visitor.clone();
    let answer = visitor.post("/destroy", "").await;
    assert_eq!((answer.status, answer.expires_cookie()), (204, true));
    assert!(!site.knows(&replayed).await);
    let dead = replayed.cookie.clone();
    replayed.does("/set", r#"{"b":2}"#).await;
    assert_ne!(replayed.cookie, dead);
    assert_eq!(replayed.data().await, json!({"b": 2}));
}

/// A handler that panics stores nothing and sets no cookie.
pub async fn a_panic_stores_nothing(start: impl Start) {
    let site = Site::by_default(&start).await;
    let answer = site.visitor().post("/panic", r#"{"a":1}"#).await;
    assert_eq!((answer.status, answer.set_cookie()), (500, None));
    assert_eq!(site.live().await, 0);
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let answer = visitor.post("/panic", r#"{"a":2}"#).await;
    assert_eq!((answer.status, answer.set_cookie()), (500, None));
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

/// A sign-in gives the session a new ID; the old one is dead at once, and the data stays.
pub async fn s_037_a_sign_in_changes_the_id(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"cart":[1]}"#).await;
    let before = visitor.clone();
    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    assert_ne!(visitor.cookie, before.cookie);
    assert!(!site.knows(&before).await);
    let session = visitor.session().await;
    assert_eq!((&session["subject"], &session["data"]), (&json!("ada"), &json!({"cart": [1]})));
    assert_eq!(site.live().await, 1);
}

fn is_unavailable(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (503, json!({"error": "unavailable"})));
    assert!(answer.header("retry-after").is_some(), "no `Retry-After`");
}

/// A store that cannot be asked is answered 503, and costs nobody the cookie; who uses no session notices nothing.
pub async fn s_088_a_store_that_is_down_answers_503(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    site.store.set_down(true);
    for (method, path, body) in [("GET", "/session", ""), ("POST", "/set", r#"{"a":2}"#)] {
        let answer = visitor.send(method, path, body).await;
        is_unavailable(&answer);
        assert_eq!(answer.set_cookie(), None, "{path}");
    }
    assert_eq!(visitor.get("/untouched").await.status, 200);
    site.store.set_down(false);
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

/// What could not be stored is not answered as if it had been, by the handler's status or by a cookie.
pub async fn a_commit_that_fails_replaces_the_answer(start: impl Start) {
    let site = Site::by_default(&start).await;
    // A write is repeated once, since its reply alone may have been lost.
    let fail = |operation| {
        for nth in [1, 2] {
            site.store.inject(operation, nth, Fault::Fail);
        }
    };
    fail(Operation::Create);
    let answer = site.visitor().post("/set", r#"{"a":1}"#).await;
    is_unavailable(&answer);
    assert_eq!((answer.set_cookie(), site.live().await), (None, 0));

    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    fail(Operation::Update);
    let answer = visitor.post("/set", r#"{"a":2}"#).await;
    is_unavailable(&answer);
    assert_eq!(answer.set_cookie(), None);
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

/// An end that could not be stored is answered 503, yet the cookie goes: the visitor asked for that.
pub async fn an_end_that_fails_takes_the_cookie_all_the_same(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    site.store.inject(Operation::Delete, 1, Fault::Fail);
    let answer = visitor.post("/destroy", "").await;
    is_unavailable(&answer);
    assert!(answer.expires_cookie());
    assert!(answer.says("cache-control", "no-store"), "{:?}", answer.headers);
}

/// Nothing of the secret half of an ID is in an answer, but for the cookie that hands it out.
pub async fn no_answer_holds_the_secret_half_of_an_id(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.signed_in("ada").await;
    let cookie = visitor.cookie.clone().expect("a cookie");
    let secret = &cookie[cookie.len() - 20..];
    for path in ["/session", "/public/x", "/stream", "/skip"] {
        let answer = visitor.get(path).await;
        assert!(!format!("{answer:?}").contains(secret), "{path}");
    }
    site.store.set_down(true);
    assert!(!format!("{:?}", visitor.get("/session").await).contains(secret), "a failure");
    site.store.set_down(false);
    let shown = session_of(site.address, &[cookie.as_bytes()]).await.to_string();
    assert!(!shown.contains(secret), "{shown}");
}
