//! What has ended stays ended, and what is dead looks the same whatever it died of.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;

use std::time::Duration;

use cloakroom::testkit::Operation;
use cloakroom::testkit::client::is_alive;
use serde_json::json;

use crate::site::NAME;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn s_049_a_cookie_is_worth_nothing_after_the_end() {
    let testbed = site::start().await;
    for end in ["/destroy", "/sign-out", "/subjects/ada/revoke"] {
        let mut visitor = testbed.signed_in("ada").await;
        visitor.does("/set", r#"{"a":1}"#).await;
        let replayed = visitor.clone();
        assert!(visitor.post(end, "").await.status < 300);

        let cookie = replayed.cookie.clone().unwrap();
        assert!(!is_alive(testbed.address, &cookie).await, "{end}");
        assert_eq!(replayed.clone().get("/devices").await.status, 401, "{end}");
        assert_eq!(testbed.live().await, 0, "{end}");

        // Going on with it begins a session that has nothing of the old one, its ID least of all.
        let mut next = replayed.clone();
        next.does("/set", r#"{"b":2}"#).await;
        assert_ne!(next.cookie.as_ref(), Some(&cookie), "{end}");
        let session = next.session().await;
        assert_eq!((&session["subject"], &session["data"]), (&json!(null), &json!({"b": 2})));
        assert!(!is_alive(testbed.address, &cookie).await, "{end}");
        next.does("/destroy", "").await;
    }
}

#[tokio::test]
async fn s_054_an_end_takes_effect_whatever_the_status() {
    let testbed = site::start().await;
    for end in ["/destroy", "/sign-out"] {
        for status in [200, 302, 404, 500, 503] {
            let mut visitor = testbed.signed_in("ada").await;
            let cookie = visitor.cookie.clone().unwrap();
            let answer = visitor.post(&format!("{end}/status/{status}"), "").await;
            assert_eq!(answer.status, status, "{end}");
            assert!(answer.expires_cookie(), "{end} {status}");
            assert!(!is_alive(testbed.address, &cookie).await, "{end} {status}");
        }
    }
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn s_055_an_idle_session_ends_before_anyone_sweeps() {
    let testbed = site::start_with(&[("max_age", "30m")]).await;
    let mut visitor = testbed.signed_in("ada").await;
    let cookie = visitor.cookie.clone().unwrap();
    testbed.clock.advance(Duration::from_secs(30 * 60 - 1));
    assert!(is_alive(testbed.address, &cookie).await);
    testbed.clock.advance(Duration::from_secs(1));
    assert!(!is_alive(testbed.address, &cookie).await);
    for (path, status) in [("/devices", 401), ("/key/a", 404)] {
        assert_eq!(visitor.get(path).await.status, status);
    }
    assert_eq!(testbed.live().await, 0);
    testbed.visitor().post("/purge", "").await;
    assert!(!is_alive(testbed.address, &cookie).await);
}

#[tokio::test]
async fn s_055_a_request_that_outlives_its_session_does_not_revive_it() {
    let testbed = site::start_with(&[("max_age", "1m")]).await;
    for request in [("POST", "/set", r#"{"a":2}"#), ("POST", "/cycle", ""), ("POST", "/incr/n", "")]
    {
        let visitor = testbed.with_session(r#"{"a":1}"#).await;
        let (slow, gate) = testbed.held(&visitor, (Operation::Update, 1), request).await;
        testbed.clock.advance(Duration::from_secs(61));
        testbed.visitor().post("/purge", "").await;
        gate.open();
        assert_eq!(slow.await.unwrap().set_cookie(), None, "{request:?}");
        assert!(!is_alive(testbed.address, visitor.cookie.as_ref().unwrap()).await, "{request:?}");
        assert_eq!(testbed.live().await, 0);
    }
}

#[tokio::test]
async fn s_056_nothing_but_a_sign_in_moves_the_absolute_deadline() {
    let settings = [("max_age", "10m"), ("absolute_timeout", "1h"), ("renew_on_access", "true")];
    let testbed = site::start_with(&settings).await;
    let mut visitor = testbed.signed_in("ada").await;
    for minute in 1..60 {
        testbed.clock.advance(Duration::from_secs(60));
        match minute % 4 {
            0 => visitor.does("/set", r#"{"a":1}"#).await,
            1 => visitor.does("/cycle", "").await,
            2 => visitor.does("/max-age", r#"{"seconds":86400}"#).await,
            _ => assert_eq!(visitor.session().await["exists"], true, "{minute}"),
        }
    }
    assert_eq!(visitor.session().await["subject"], "ada");
    let mut renewed = testbed.signed_in("bob").await;
    renewed.does("/sign-in", r#"{"subject":"bob"}"#).await;
    testbed.clock.advance(Duration::from_secs(60));
    assert_eq!(visitor.session().await["exists"], false);
    assert_eq!(renewed.session().await["exists"], true);
}

#[tokio::test]
async fn s_058_a_lifetime_of_its_own_is_kept_and_sent() {
    let testbed = site::start_with(&[("renew_on_access", "true"), ("renew_every", "1")]).await;
    let mut visitor = testbed.signed_in("ada").await;
    let answer = visitor.post("/max-age", r#"{"seconds":60}"#).await;
    assert!(answer.set_cookie().unwrap().ends_with("; Max-Age=60"));
    testbed.clock.advance(Duration::from_secs(30));
    assert!(visitor.get("/session").await.set_cookie().unwrap().ends_with("; Max-Age=60"));
    let answer = visitor.post("/max-age", r#"{"seconds":null}"#).await;
    assert!(!answer.set_cookie().unwrap().contains("Max-Age"));
    testbed.clock.advance(DAY);
    let answer = visitor.get("/session").await;
    assert!(answer.set_cookie().is_none_or(|line| !line.contains("Max-Age")));
    assert_eq!(answer.json()["exists"], true);
}

#[tokio::test]
async fn s_062_every_dead_id_looks_the_same() {
    let testbed = site::start().await;
    let expired = testbed.with_session(r#"{"a":1}"#).await;
    testbed.clock.advance(15 * DAY);
    let revoked = testbed.signed_in("ada").await;
    testbed.visitor().post("/subjects/ada/revoke", "").await;
    let mut destroyed = testbed.visitor();
    destroyed.does("/set", r#"{"a":1}"#).await;
    let replayed = destroyed.clone();
    destroyed.does("/destroy", "").await;
    let with = |value: &str| Some(format!("{NAME}={value}"));
    let cookies = [
        None,
        expired.cookie,
        revoked.cookie,
        replayed.cookie,
        with("short"),
        with(&"A".repeat(43)),
        with("%00"),
    ];
    let routes = [("GET", "/key/a"), ("GET", "/devices"), ("POST", "/devices/revoke-others")];
    for (method, path) in routes {
        let mut seen: Vec<String> = Vec::new();
        for cookie in &cookies {
            let mut visitor = testbed.visitor();
            visitor.cookie.clone_from(cookie);
            let mut answer = visitor.send(method, path, "").await;
            answer.headers.retain(|(name, _)| name != "date");
            seen.push(format!("{answer:?}"));
        }
        assert!(seen.windows(2).all(|two| two[0] == two[1]), "{path}: {seen:#?}");
    }
}

#[tokio::test]
async fn s_127_ending_nothing_costs_nothing() {
    let testbed = site::start().await;
    let ends = [
        "/destroy",
        "/sign-out",
        "/clear",
        "/cycle",
        "/destroy/status/500",
        "/sign-out/status/500",
    ];
    for end in ends {
        for _ in 0..50 {
            assert_eq!(testbed.visitor().post(end, "").await.set_cookie(), None, "{end}");
        }
    }
    assert_eq!(testbed.store.all_calls(), 0);
}

#[tokio::test]
async fn s_128_an_emptied_session_ends_and_an_empty_one_never_begins() {
    let testbed = site::start().await;
    assert_eq!(testbed.visitor().post("/set", "{}").await.set_cookie(), None);
    assert_eq!(testbed.visitor().delete("/key/a").await.set_cookie(), None);
    assert_eq!(testbed.store.all_calls(), 0);

    for (method, path) in [("POST", "/clear"), ("DELETE", "/key/a")] {
        let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
        let cookie = visitor.cookie.clone().unwrap();
        let answer = visitor.send(method, path, "").await;
        assert!(answer.expires_cookie(), "{path}");
        assert!(!is_alive(testbed.address, &cookie).await, "{path}");
        assert_eq!(testbed.live().await, 0, "{path}");
    }
}
