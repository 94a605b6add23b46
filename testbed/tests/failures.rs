//! What is refused, what goes wrong, and that nothing is half done then.

mod site;

use cloakroom::testkit::{Fault, Gate, Operation};
use serde_json::json;

#[tokio::test]
async fn incr_refuses_what_is_no_integer_any_more_when_it_is_replayed() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"n":1}"#).await;
    let gate = Gate::new();
    testbed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
    let mut other = visitor.clone();

    let counting = tokio::spawn(async move { other.post("/incr/n", "").await });
    gate.reached().await;
    visitor.does("/set", r#"{"n":"text"}"#).await;
    gate.open();

    let answer = counting.await.unwrap();
    assert_eq!((answer.status, answer.json()), (409, json!({"error": "type"})));
    assert_eq!(visitor.data().await, json!({"n": "text"}));
}

#[tokio::test]
async fn a_status_that_is_none_is_refused_before_anything_is_done() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    for code in ["199", "600", "x", "-1", "99999"] {
        for route in ["/status", "/destroy/status", "/sign-out/status"] {
            let answer = visitor.post(&format!("{route}/{code}"), r#"{"b":1}"#).await;
            assert_eq!(answer.error().0, 400, "{route}/{code}");
        }
    }
    assert_eq!(visitor.data().await, json!({"a": 1}));
}

#[tokio::test]
async fn set_stores_every_member_or_none() {
    let testbed = site::start().await;
    let mut visitor = testbed.with_session(r#"{"a":1}"#).await;
    let large = "x".repeat(17 * 1024);
    for (bad, status) in [(json!({"b": 2, "c": large}), 413), (json!({"": 0, "a": 2}), 400)] {
        for path in ["/set", "/status/200", "/status/404"] {
            let calls = testbed.store.calls(Operation::Create);
            let answer = testbed.visitor().post(path, &bad.to_string()).await;
            assert_eq!((answer.error().0, answer.set_cookie()), (status, None), "{path}");
            assert_eq!(testbed.store.calls(Operation::Create), calls, "{path}");

            assert_eq!(visitor.post(path, &bad.to_string()).await.error().0, status, "{path}");
            assert_eq!(visitor.data().await, json!({"a": 1}), "{path}");
        }
    }
    assert_eq!(testbed.live().await, 1);
}

#[tokio::test]
async fn metrics_are_refused_clearly() {
    let answer = site::start().await.visitor().get("/metrics").await;
    assert_eq!(answer.error(), (501, "metrics are not there yet".to_owned()));
}

#[tokio::test]
async fn bad_input_is_400_and_too_much_is_413_both_in_json() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    let nested = |depth| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let many: serde_json::Map<_, _> = (0..129).map(|n| (n.to_string(), json!(n))).collect();
    for (path, body, status) in [
        ("/set", "no json".to_owned(), 400),
        ("/set", String::new(), 400),
        ("/set", "[1]".to_owned(), 400),
        ("/set", r#"{"":1}"#.to_owned(), 400),
        ("/push/k", "{".to_owned(), 400),
        ("/slow/k", "{".to_owned(), 400),
        ("/slow/k?delay=x", "1".to_owned(), 400),
        ("/incr/k?delay=-1", String::new(), 400),
        ("/incr/%FF", String::new(), 400),
        ("/set", json!({"a": "x".repeat(17 * 1024)}).to_string(), 413),
        ("/set", json!({"a": "x".repeat(2 * 1024 * 1024)}).to_string(), 413),
        ("/set", json!(many).to_string(), 413),
        ("/set", nested(40), 413),
        ("/set", nested(1000), 413),
        ("/set", json!({"k".repeat(129): 1}).to_string(), 413),
    ] {
        let answer = visitor.post(path, &body).await;
        assert_eq!(answer.error().0, status, "POST {path} {}", &body[..body.len().min(40)]);
    }
}
