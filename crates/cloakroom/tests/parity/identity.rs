//! B.2: which IDs are taken, and when they change.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::testkit::Operation;
use cloakroom::{Error, ServerSideSessionConfig, Session};
use serde_json::json;

use crate::app::answer;
use crate::site::Site;

/// Why there is no session for whoever sends these `Cookie` lines, or `live`.
async fn absence(site: &Site, cookies: &[&str]) -> String {
    answer(site.0.send("GET", "/absence", cookies, "").await).await.body
}

/// Better: an ID that a visitor was given by somebody else becomes no session of theirs.
#[tokio::test]
async fn b_010_an_unknown_id_is_no_session_and_is_not_taken_over() {
    let site = Site::new();
    let planted = "ab".repeat(32);
    let mut visitor = site.visitor();
    visitor.cookie = format!("session={planted}");
    let answer = visitor.get("/session").await;
    assert_eq!((&*answer.body, answer.set_cookie()), ("{}", None));
    visitor.post("/put", r#"{"a":1}"#).await;
    assert_ne!(visitor.id(), planted);
    assert_eq!(absence(&site, &[&format!("session={planted}")]).await, "unknown");
    assert_eq!(site.live().await, 1);
}

/// Better: an ID that has ended opens nothing again, however it ended.
#[tokio::test]
async fn b_011_an_id_that_ended_is_never_used_again() {
    let site =
        Site::with(ServerSideSessionConfig::litestar().with_max_age(Duration::from_secs(60)));
    for end in ["expired", "destroyed", "revoked"] {
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        let old = visitor.clone();
        let handle = visitor.id()[..32].parse().unwrap();
        match end {
            "expired" => site.0.clock.advance(Duration::from_secs(60)),
            "destroyed" => drop(visitor.post("/clear", "").await),
            _ => assert!(site.0.layer.sessions().revoke(handle).await.unwrap()),
        }
        visitor.cookie = old.cookie.clone();
        visitor.post("/put", r#"{"b":2}"#).await;
        assert_ne!(visitor.id(), old.id(), "{end}");
        assert_eq!(visitor.data().await, json!({"b": 2}), "{end}");
        assert_ne!(absence(&site, &[&old.cookie]).await, "live", "{end}");
    }
}

/// Better: `sign_in` and `cycle_id` give a new ID for the same data, and the old one is dead at once.
#[tokio::test]
async fn b_012_a_new_id_keeps_the_data_and_ends_the_old_one() {
    async fn sign_in(session: Session) -> Result<(), Error> {
        session.sign_in("ada")
    }
    async fn cycle(session: Session) -> Result<(), Error> {
        session.cycle_id()
    }
    let more = Router::new().route("/sign-in", post(sign_in)).route("/cycle", post(cycle));
    let site = Site::with_routes(ServerSideSessionConfig::litestar(), more);
    let mut visitor = site.with_session(r#"{"cart":1}"#).await;
    for path in ["/sign-in", "/cycle"] {
        let old = visitor.cookie.clone();
        assert_eq!(visitor.post(path, "").await.status, 200);
        assert_ne!(visitor.cookie, old);
        assert_eq!(visitor.data().await, json!({"cart": 1}));
        assert_eq!(absence(&site, &[&old]).await, "unknown", "{path}");
    }
    assert_eq!(site.live().await, 1);
}

/// Better: what is set after an end is another session, and its ID is known once it is stored.
#[tokio::test]
async fn b_013_clearing_and_setting_gives_a_new_id() {
    async fn login(session: Session) -> Result<String, Error> {
        session.destroy()?;
        session.insert("user", "ada")?;
        session.save().await?;
        Ok(session.handle().expect("it is stored").to_string())
    }
    let more = Router::new().route("/saved-login", post(login));
    let site = Site::with_routes(ServerSideSessionConfig::litestar(), more);
    for path in ["/login", "/saved-login"] {
        let mut visitor = site.with_session(r#"{"cart":1}"#).await;
        let old = visitor.cookie.clone();
        let answer = visitor.post(path, "").await;
        assert_ne!(visitor.cookie, old, "{path}");
        if path == "/saved-login" {
            assert_eq!(answer.body, visitor.id()[..32]);
        }
        assert_eq!(visitor.data().await, json!({"user": "ada"}));
        assert_ne!(absence(&site, &[&old]).await, "live", "{path}");
    }
}

/// Better: an ID has one spelling.
#[tokio::test]
async fn b_014_an_id_in_another_spelling_is_none() {
    let site = Site::new();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let id = visitor.id();
    assert_eq!(absence(&site, &[&visitor.cookie]).await, "live");
    let upper = format!("session={}", id.to_uppercase());
    let encoded = format!("session=%{:02x}{}", id.as_bytes()[0], &id[1..]);
    for cookie in [format!("session=\"{id}\""), upper, encoded, "session=%6eull".to_owned()] {
        assert_eq!(absence(&site, &[&cookie]).await, "malformed", "{cookie}");
    }
}

/// Better: only IDs of our own form reach the store.
#[tokio::test]
async fn b_015_what_is_no_id_never_reaches_the_store() {
    let site = Site::new();
    let hex = "ab".repeat(32);
    let long = "a".repeat(60_000);
    for value in
        ["../../etc/passwd", "a b", "%00", "%0d%0a", &hex[..63], &format!("{hex}ab"), &long]
    {
        let cookie = format!("session={value}");
        assert_eq!(absence(&site, &[&cookie]).await, "malformed", "{:.20}", value);
    }
    assert_eq!(site.0.store.all_calls(), 0);
}

/// The same outcome, by the rule above: an answer has nothing of what the visitor sent.
#[tokio::test]
async fn b_016_nothing_of_a_cookie_comes_back_in_a_header() {
    let site = Site::new();
    for value in ["x%0d%0aSet-Cookie: evil=1", "../../../tmp/x", "\"a\\015\\012b\""] {
        let mut visitor = site.visitor();
        visitor.cookie = format!("session={value}");
        let answer = visitor.post("/put", r#"{"a":1}"#).await;
        let lines = answer.all("set-cookie");
        assert_eq!(lines.len(), 1, "{value}");
        let id = lines[0].strip_prefix("session=").unwrap().split(';').next().unwrap();
        assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
}

/// Better: the order decides nothing. Of several cookies the one that selects a session counts, whoever set the
/// others; if two do, none.
#[tokio::test]
async fn b_018_of_several_cookies_the_one_that_is_live_counts() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let real = visitor.cookie.clone();
    let tossed = format!("session={}", "cd".repeat(32));
    for cookie in [format!("{tossed}; {real}"), format!("{real}; {tossed}")] {
        visitor.cookie = cookie;
        assert_eq!(visitor.data().await, json!({"a": 1}));
    }
    let other = site.with_session(r#"{"b":1}"#).await.cookie;
    for cookie in [format!("{other}; {real}"), format!("{real}; {other}")] {
        assert_eq!(absence(&site, &[&cookie]).await, "ambiguous");
    }
    let name = Site::with(ServerSideSessionConfig::default());
    let visitor = name.with_session(r#"{"a":1}"#).await;
    assert!(visitor.cookie.starts_with("__Host-session="), "which no other host can set");
}

/// Better: several lines are as one, as HTTP/2 allows.
#[tokio::test]
async fn b_019_every_cookie_line_is_read() {
    let site = Site::new();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    assert_eq!(absence(&site, &["a=b", &visitor.cookie]).await, "live");
    assert_eq!(absence(&site, &[&visitor.cookie, "a=b"]).await, "live");
}

/// The same for names, and for blanks around a pair; better: a value that is no ID is none, also with a sign of equality in it.
#[tokio::test]
async fn b_020_names_are_compared_as_they_are_and_blanks_do_not_count() {
    let site = Site::new();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let id = visitor.id();
    assert_eq!(absence(&site, &[&format!("a=b;  session={id} ; c=d")]).await, "live");
    for (cookie, expected) in [
        (format!("Session={id}"), "no-cookie"),
        (format!("xsession={id}"), "no-cookie"),
        (format!("session ={id}"), "no-cookie"),
        (format!("session= {id}"), "malformed"),
        ("session=".to_owned(), "malformed"),
        ("session".to_owned(), "no-cookie"),
        (format!("session=={id}"), "malformed"),
    ] {
        assert_eq!(absence(&site, &[&cookie]).await, expected, "{cookie}");
    }
    assert_eq!(site.0.store.calls(Operation::Load), 1);
}
