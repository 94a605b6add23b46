//! Requests of one session, and of many, at the same time.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;

use std::time::Duration;

use cloakroom::testkit::Operation;
use cloakroom::testkit::client::{Visitor, is_alive};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::site::waiting;

const MANY: usize = 50;

/// Sends one request for each number at the same time and waits for all.
async fn all(visitor: &Visitor, count: usize, path: impl Fn(usize) -> String) -> Vec<String> {
    let mut requests = JoinSet::new();
    for n in 0..count {
        let (mut visitor, path) = (visitor.clone(), path(n));
        requests.spawn(async move {
            let answer = visitor.post(&path, &n.to_string()).await;
            assert!(answer.status < 300, "{path}: {}", answer.status);
            answer.body
        });
    }
    requests.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn s_073_fifty_increments_are_fifty() {
    let testbed = site::start().await;
    for delay in [0, 100] {
        let mut visitor = testbed.signed_in("ada").await;
        all(&visitor, MANY, |_| format!("/incr/n?delay={delay}")).await;
        assert_eq!(visitor.data().await, json!({"n": MANY}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_074_fifty_slow_writers_of_their_own_keys_all_survive() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"first":true}"#).await;
    all(&visitor, MANY, |n| format!("/slow/k{n}?delay=100")).await;
    let mut expected: Map<_, _> = (0..MANY).map(|n| (format!("k{n}"), json!(n))).collect();
    expected.insert("first".to_owned(), json!(true));
    assert_eq!(visitor.data().await, Value::Object(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn s_074_writers_of_every_kind_at_once_all_survive() {
    let testbed = site::start().await;
    let mut visitor = testbed.signed_in("ada").await;
    all(&visitor, 4 * MANY, |n| match n % 4 {
        0 => "/incr/n".to_owned(),
        1 => "/push/list".to_owned(),
        2 => format!("/slow/k{n}?delay=20"),
        _ => "/incr/m?delay=20".to_owned(),
    })
    .await;
    let data = visitor.data().await;
    assert_eq!((&data["n"], &data["m"]), (&json!(MANY), &json!(MANY)));
    let mut list: Vec<_> =
        data["list"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    list.sort_unstable();
    assert_eq!(list, (0..MANY as u64).map(|n| 4 * n + 1).collect::<Vec<_>>());
    assert_eq!(data.as_object().unwrap().len(), 3 + MANY);
}

#[tokio::test]
async fn s_050_a_writer_in_flight_does_not_bring_a_session_back() {
    let testbed = site::start().await;
    let writes = [
        ("POST", "/slow/k?delay=1", "1"),
        ("POST", "/incr/k", ""),
        ("POST", "/cycle", ""),
        ("POST", "/sign-in", r#"{"subject":"ada"}"#),
        ("POST", "/max-age", r#"{"seconds":900}"#),
        ("DELETE", "/key/a", ""),
    ];
    for write in writes {
        for end in ["/destroy", "/sign-out", "/sign-out/status/500", "/subjects/ada/revoke"] {
            let mut visitor = testbed.signed_in("ada").await;
            visitor.does("/set", r#"{"a":1,"b":2}"#).await;
            let cookie = visitor.cookie.clone().unwrap();
            let (slow, gate) = testbed.held(&visitor, (Operation::Update, 1), write).await;
            visitor.post(end, "").await;
            assert!(!is_alive(testbed.address, &cookie).await);
            gate.open();
            assert_eq!(slow.await.unwrap().set_cookie(), None, "{write:?} {end}");
            assert!(!is_alive(testbed.address, &cookie).await, "{write:?} {end}");
            assert_eq!(testbed.live().await, 0, "{write:?} {end}");
        }
    }
}

#[tokio::test]
async fn s_050_a_writer_in_flight_does_not_bring_back_what_was_cleared() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let write = ("POST", "/slow/k?delay=1", "1");
    let (slow, gate) = testbed.held(&visitor, (Operation::Update, 1), write).await;
    assert!(visitor.post("/clear", "").await.expires_cookie());
    gate.open();
    assert_eq!(slow.await.unwrap().set_cookie(), None);
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn s_050_a_handler_that_waits_does_not_bring_a_session_back() {
    let testbed = site::start().await;
    let slow = [("POST", "/slow/k?delay=200", "1"), ("POST", "/incr/k?delay=200", "")];
    for request in slow {
        let mut visitor = testbed.signed_in("ada").await;
        let cookie = visitor.cookie.clone().unwrap();
        let slow = waiting(&testbed, &visitor, request).await;
        visitor.does("/sign-out", "").await;
        assert!(!slow.is_finished());
        assert_eq!(slow.await.unwrap().set_cookie(), None, "{request:?}");
        assert!(!is_alive(testbed.address, &cookie).await, "{request:?}");
        assert_eq!(testbed.live().await, 0, "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_050_a_hundred_races_leave_it_dead() {
    let testbed = site::start().await;
    for round in 0..100 {
        let visitor = testbed.signed_in("ada").await;
        let mut requests = JoinSet::new();
        for n in 0..8 {
            let mut visitor = visitor.clone();
            requests.spawn(async move {
                match n {
                    0 => visitor.does("/sign-out", "").await,
                    _ => drop(visitor.post(&format!("/slow/k{n}?delay={}", round % 3), "1").await),
                }
            });
        }
        requests.join_all().await;
        assert!(!is_alive(testbed.address, visitor.cookie.as_ref().unwrap()).await, "{round}");
    }
    // A writer that came after the end began a session of its own, which is anonymous.
    let revoked = testbed.visitor().post("/subjects/ada/revoke", "").await;
    assert_eq!(revoked.json(), json!({"revoked": 0}));
}

#[tokio::test]
async fn s_051_a_slow_reader_neither_revives_nor_reverts() {
    let testbed = site::start().await;
    let read = ("GET", "/slow?delay=200", "");
    let mut visitor = testbed.with_session(r#"{"k":1}"#).await;
    let slow = waiting(&testbed, &visitor, read).await;
    visitor.does("/set", r#"{"k":2}"#).await;
    let answer = slow.await.unwrap();
    assert_eq!((answer.json()["data"].clone(), answer.set_cookie()), (json!({"k": 1}), None));
    assert_eq!(visitor.data().await, json!({"k": 2}));

    let slow = waiting(&testbed, &visitor, read).await;
    visitor.does("/destroy", "").await;
    assert!(!slow.is_finished());
    assert_eq!(slow.await.unwrap().set_cookie(), None);
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn s_041_of_two_cycles_one_wins() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let cookie = visitor.cookie.clone().unwrap();
    let (other, gate) =
        testbed.held(&visitor, (Operation::Update, 1), ("POST", "/cycle", "")).await;
    visitor.does("/cycle", "").await;
    gate.open();
    assert_eq!(other.await.unwrap().set_cookie(), None);
    assert!(!is_alive(testbed.address, &cookie).await);
    assert_eq!(visitor.data().await, json!({"a": 1}));
    assert_eq!(testbed.live().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_045_parallel_requests_of_one_rotation_all_get_the_same_id() {
    let testbed = site::start_with(&[("rotate_every", "60")]).await;
    let visitor = testbed.with_session(r#"{"a":1}"#).await;
    testbed.clock.advance(Duration::from_secs(61));
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let mut visitor = visitor.clone();
        requests.spawn(async move {
            match n % 2 {
                0 => assert_eq!(visitor.session().await["exists"], true),
                _ => assert_eq!(visitor.post("/incr/n", "").await.status, 200),
            }
            visitor.cookie.unwrap()
        });
    }
    let mut cookies = requests.join_all().await;
    cookies.sort_unstable();
    cookies.dedup();
    assert_eq!(cookies.len(), 1);
    assert_ne!(cookies.first(), visitor.cookie.as_ref());
    let mut next = visitor.clone();
    next.cookie = cookies.pop();
    testbed.clock.advance(Duration::from_secs(31));
    assert_eq!(next.data().await, json!({"a": 1, "n": 10}));
    // A copy that is used after the grace is a theft: the session ends.
    assert_eq!(visitor.clone().session().await["absence"], "reused");
    assert_eq!(next.session().await["exists"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_077_two_hundred_visitors_see_their_own_session_alone() {
    let testbed = site::start().await;
    let mut visitors = JoinSet::new();
    for n in 0..200 {
        let mut visitor = testbed.visitor();
        visitors.spawn(async move {
            let subject = format!("user{n}");
            visitor.does("/sign-in", &json!({"subject": subject}).to_string()).await;
            visitor.does("/set", &json!({"me": n}).to_string()).await;
            for round in 1..=5 {
                assert_eq!(visitor.post("/incr/n", "").await.json(), round);
                let session = visitor.session().await;
                assert_eq!(session["subject"], *subject);
                assert_eq!(session["data"], json!({"me": n, "n": round}));
                visitor.does("/cycle", "").await;
            }
            visitor.cookie.unwrap()
        });
    }
    let mut cookies = visitors.join_all().await;
    cookies.sort_unstable();
    cookies.dedup();
    assert_eq!(cookies.len(), 200);
    assert_eq!(testbed.live().await, 200);
}
