//! What each route answers.

mod site;

use std::time::Duration;

use cloakroom::testkit::Operation;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn session_without_a_cookie_is_described_and_not_created() {
    let testbed = site::start().await;
    let answer = testbed.visitor().get("/session").await;
    assert_eq!(
        answer.json(),
        json!({
            "exists": false, "handle": null, "is_new": true, "subject": null, "absence": "no-cookie",
            "created_at": null, "expires_at": null, "data": {},
        })
    );
    assert_eq!(answer.set_cookie(), None);
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn session_with_a_cookie_is_described() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1,"b":{"c":[null]}}"#).await;

    let answer = visitor.get("/session").await;
    assert_eq!(answer.set_cookie(), None);
    let session = answer.json();

    let created = session["created_at"].as_u64().unwrap();
    let handle = session["handle"].as_str().unwrap();
    assert_eq!((handle.len(), handle.contains(|c: char| !c.is_ascii_hexdigit())), (32, false));
    assert_eq!(
        session,
        json!({
            "exists": true, "handle": handle, "is_new": false, "subject": null, "absence": null,
            "created_at": created, "expires_at": created + 14 * DAY.as_millis() as u64,
            "data": {"a": 1, "b": {"c": [null]}},
        })
    );
}

#[tokio::test]
async fn absence_names_why_a_cookie_is_dead_and_the_cookie_stays() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let live = visitor.cookie.clone().unwrap();
    let (name, id) = live.split_once('=').unwrap();
    // The last character holds four bits of the secret: another one is another ID.
    let other = if id.ends_with('A') { 'Q' } else { 'A' };

    let malformed = format!("{name}=short");
    let unknown = format!("{name}={}{other}", &id[..id.len() - 1]);
    for (cookie, absence) in [(malformed, "malformed"), (unknown, "unknown")] {
        visitor.cookie = Some(cookie);
        let answer = visitor.get("/session").await;
        assert_eq!((answer.json()["absence"].as_str(), answer.set_cookie()), (Some(absence), None));
    }

    let mut second = testbed.visitor();
    second.does("/set", r#"{"a":2}"#).await;
    visitor.cookie = Some(format!("{live}; {}", second.cookie.unwrap()));
    assert_eq!(visitor.session().await["absence"], "ambiguous");

    visitor.cookie = Some(live);
    testbed.clock.advance(15 * DAY);
    let answer = visitor.get("/session").await;
    assert_eq!((answer.json()["absence"].as_str(), answer.set_cookie()), (Some("expired"), None));
}

#[tokio::test]
async fn a_key_is_set_read_and_removed() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":{"b":[1,"x"]},"other":null}"#).await;

    assert_eq!(visitor.get("/key/a").await.json(), json!({"b": [1, "x"]}));
    assert_eq!(visitor.get("/key/other").await.json(), Value::Null);
    assert_eq!(visitor.get("/key/none").await.status, 404);

    assert_eq!(visitor.delete("/key/a").await.status, 204);
    assert_eq!(visitor.get("/key/a").await.status, 404);
    assert_eq!(visitor.delete("/key/a").await.status, 204, "removing nothing is no error");
}

#[tokio::test]
async fn removing_the_last_key_ends_the_session() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let answer = visitor.delete("/key/a").await;
    assert_eq!((answer.status, answer.expires_cookie()), (204, true));
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn clear_ends_an_anonymous_session_and_keeps_a_signed_in_one() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let answer = visitor.post("/clear", "").await;
    assert_eq!((answer.status, answer.expires_cookie()), (204, true));
    assert_eq!(testbed.live().await, 0);

    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    visitor.does("/set", r#"{"a":1}"#).await;
    let answer = visitor.post("/clear", "").await;
    assert_eq!((answer.status, answer.expires_cookie()), (204, false));
    let session = visitor.session().await;
    assert_eq!((&session["subject"], &session["data"]), (&json!("ada"), &json!({})));
}

#[tokio::test]
async fn incr_counts_from_zero_and_refuses_what_is_no_integer() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    assert_eq!(visitor.post("/incr/n", "").await.json(), 1);
    assert_eq!(visitor.post("/incr/n?delay=5", "").await.json(), 2);

    visitor.does("/set", r#"{"text":"1","half":0.5}"#).await;
    for key in ["text", "half"] {
        let answer = visitor.post(&format!("/incr/{key}"), "").await;
        assert_eq!((answer.status, answer.json()), (409, json!({"error": "type"})));
    }
    assert_eq!(visitor.data().await, json!({"n": 2, "text": "1", "half": 0.5}));
}

#[tokio::test]
async fn push_appends() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/push/list", "1").await;
    visitor.does("/push/list", r#"{"a":null}"#).await;
    assert_eq!(visitor.get("/key/list").await.json(), json!([1, {"a": null}]));

    visitor.does("/set", r#"{"n":1}"#).await;
    assert_eq!(visitor.post("/push/n", "1").await.error(), (409, "type".to_owned()));
}

#[tokio::test]
async fn slow_routes_read_wait_and_write_or_not() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/slow/k?delay=5", r#""v""#).await;
    assert_eq!(visitor.get("/key/k").await.json(), "v");

    let answer = visitor.get("/slow?delay=5").await;
    assert_eq!(answer.set_cookie(), None);
    assert_eq!(answer.json(), visitor.session().await);
    let updates = testbed.store.calls(Operation::Update);
    visitor.get("/slow").await;
    assert_eq!(testbed.store.calls(Operation::Update), updates);
}

#[tokio::test]
async fn count_and_purge() {
    let testbed = site::start().await;
    for _ in 0..3 {
        testbed.visitor().does("/set", r#"{"a":1}"#).await;
    }
    assert_eq!(testbed.visitor().get("/count").await.json(), json!({"live": 3}));
    testbed.clock.advance(15 * DAY);
    assert_eq!(testbed.visitor().get("/count").await.json(), json!({"live": 0}));
    assert_eq!(testbed.visitor().post("/purge", "").await.json(), json!({"deleted": 3}));
    assert_eq!(testbed.visitor().post("/purge", "").await.json(), json!({"deleted": 0}));
}

#[tokio::test]
async fn skipped_and_excluded_routes_have_no_session() {
    let testbed = site::start_with(&[("exclude", "/public/.*")]).await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let before = testbed.store.all_calls();

    let skipped = visitor.get("/skip").await;
    let excluded = visitor.get("/public/a/b").await;

    assert_eq!((skipped.status, skipped.json()), (200, json!({"session": "skipped"})));
    assert_eq!((excluded.status, excluded.json()), (200, json!({"session": "excluded"})));
    assert_eq!(testbed.store.all_calls(), before);

    let ordinary = site::start().await;
    assert_eq!(ordinary.visitor().get("/public/a").await.json()["absence"], "no-cookie");
}
