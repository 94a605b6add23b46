//! What holds when requests of one session overlap.

mod common;

use cloakroom::testkit::{Fault, Gate, Operation};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use crate::common::{Answer, Testbed, Visitor};

const MANY: usize = 50;

/// Starts `POST path` and returns when its commit is about to reach the store.
async fn halfway(
    testbed: &Testbed,
    visitor: &Visitor,
    path: &'static str,
    body: &'static str,
) -> (JoinHandle<Answer>, Gate) {
    let gate = Gate::new();
    testbed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
    let mut visitor = visitor.clone();
    let request = tokio::spawn(async move { visitor.post(path, body).await });
    gate.reached().await;
    (request, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_writers_of_different_keys_all_survive() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;

    let mut requests = JoinSet::new();
    for n in 0..MANY {
        let mut visitor = visitor.clone();
        requests.spawn(async move {
            visitor.does(&format!("/slow/k{n}?delay=100"), &n.to_string()).await;
        });
    }
    requests.join_all().await;

    let expected: serde_json::Map<_, _> = (0..MANY).map(|n| (format!("k{n}"), json!(n))).collect();
    assert_eq!(visitor.data().await, json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_increments_all_count() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"n":0}"#).await;

    let mut requests = JoinSet::new();
    for _ in 0..MANY {
        let mut visitor = visitor.clone();
        requests.spawn(async move { visitor.post("/incr/n?delay=50", "").await.status });
    }
    assert_eq!(requests.join_all().await, [200; MANY]);

    assert_eq!(visitor.get("/key/n").await.json(), MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_pushes_all_arrive() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"list":[]}"#).await;

    let mut requests = JoinSet::new();
    for n in 0..MANY {
        let mut visitor = visitor.clone();
        requests.spawn(async move { visitor.does("/push/list", &n.to_string()).await });
    }
    requests.join_all().await;

    let mut list: Vec<usize> =
        serde_json::from_value(visitor.get("/key/list").await.json()).unwrap();
    list.sort_unstable();
    assert!(list.into_iter().eq(0..MANY));
}

#[tokio::test]
async fn a_session_destroyed_under_a_slow_writer_stays_destroyed() {
    let testbed = Testbed::start().await;
    for end in ["/destroy", "/sign-out", "/clear", "/subjects/ada/revoke"] {
        let mut visitor = testbed.visitor();
        if end != "/clear" {
            visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
        }
        visitor.does("/set", r#"{"a":1}"#).await;
        let mut stale = visitor.clone();
        let (slow, gate) = halfway(&testbed, &visitor, "/slow/k?delay=1", "1").await;

        assert!(visitor.post(end, "").await.status < 300);
        gate.open();

        let answer = slow.await.unwrap();
        assert_eq!((answer.status, answer.set_cookie()), (204, None), "{end}");
        assert_eq!(stale.session().await["exists"], false, "{end}");
        assert_eq!(testbed.live().await, 0, "{end}");
    }
}

#[tokio::test]
async fn a_session_destroyed_while_a_handler_waits_stays_destroyed() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let loads = testbed.store.calls(Operation::Load);
    let mut other = visitor.clone();
    let slow = tokio::spawn(async move { other.post("/slow/k?delay=1000", "1").await });
    while testbed.store.calls(Operation::Load) == loads {
        tokio::task::yield_now().await;
    }

    visitor.does("/destroy", "").await;
    assert!(!slow.is_finished());

    let answer = slow.await.unwrap();
    assert_eq!((answer.status, answer.set_cookie()), (204, None));
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn a_request_from_before_a_sign_in_cannot_write_after_it() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let (slow, gate) = halfway(&testbed, &visitor, "/slow/planted?delay=1", "1").await;

    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    gate.open();

    let answer = slow.await.unwrap();
    assert_eq!((answer.status, answer.set_cookie()), (204, None));
    let session = visitor.session().await;
    assert_eq!((&session["subject"], &session["data"]), (&json!("ada"), &json!({"a": 1})));
}

#[tokio::test]
async fn a_request_from_before_a_cycle_cannot_write_after_it() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let (slow, gate) = halfway(&testbed, &visitor, "/incr/planted", "").await;

    visitor.does("/cycle", "").await;
    gate.open();

    assert_eq!(slow.await.unwrap().set_cookie(), None);
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

#[tokio::test]
async fn a_slow_reader_neither_writes_nor_sets_the_cookie() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let mut reader = visitor.clone();
    let reading = tokio::spawn(async move { reader.get("/slow?delay=50").await });
    visitor.does("/set", r#"{"b":2}"#).await;

    assert_eq!(reading.await.unwrap().set_cookie(), None);
    assert_eq!(visitor.data().await, json!({"a": 1, "b": 2}));
}

#[tokio::test]
async fn the_cookie_is_sent_again_when_its_deadline_moves_and_only_then() {
    let testbed = Testbed::with(&[("max_age", "100"), ("renew_on_access", "true")]).await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;

    testbed.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(visitor.get("/session").await.set_cookie(), None, "not due before a tenth");

    testbed.clock.advance(std::time::Duration::from_secs(5));
    let renewed = visitor.get("/session").await;
    assert!(renewed.set_cookie().unwrap().contains("Max-Age=100"), "{renewed:?}");

    testbed.clock.advance(std::time::Duration::from_secs(1));
    let written = visitor.post("/set", r#"{"a":2}"#).await;
    assert!(written.set_cookie().unwrap().contains("Max-Age=100"), "{written:?}");
}

#[tokio::test]
async fn no_answer_holds_the_secret_half_of_an_id() {
    let testbed = Testbed::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    let cookie = visitor.cookie.clone().unwrap();
    let secret = &cookie[cookie.len() - 20..];
    for path in ["/session", "/devices", "/count", "/slow", "/stream", "/metrics", "/key/none"] {
        let answer = visitor.get(path).await;
        assert!(!answer.body.contains(secret), "{path}");
        assert_eq!(answer.set_cookie(), None, "{path}");
    }
}
