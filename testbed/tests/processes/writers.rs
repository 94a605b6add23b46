//! Writers of one session at both processes.

use cloakroom::testkit::client::Visitor;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::pair::Pair;
use crate::stores::Place;

const WRITERS: usize = 50;

/// Sends a request for each number at once, the even ones to one process and the odd ones to the other.
async fn write_everywhere(pair: &Pair, visitor: &Visitor, path: impl Fn(usize) -> String) {
    let mut requests = JoinSet::new();
    for n in 0..WRITERS {
        let (mut visitor, path) = (pair.moved(visitor, n), path(n));
        requests.spawn(async move {
            let answer = visitor.post(&path, &n.to_string()).await;
            assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.body);
        });
    }
    requests.join_all().await;
}

async fn check(pair: &Pair, visitor: &Visitor, expected: &Value) {
    for n in 0..2 {
        assert_eq!(pair.moved(visitor, n).data().await, *expected);
    }
}

pub(crate) async fn s_073_increments_on_both_are_all_counted(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    for delay in [0, 30] {
        let visitor = pair.signed_in(0, "ada").await;
        write_everywhere(&pair, &visitor, |n| format!("/incr/n?delay={}", n * delay % 50)).await;
        check(&pair, &visitor, &json!({"n": WRITERS})).await;
    }
}

pub(crate) async fn s_074_writers_of_their_own_keys_on_both_all_survive(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    for delay in [0, 7] {
        let mut visitor = pair.visitor(0);
        visitor.does("/set", r#"{"first":true}"#).await;
        write_everywhere(&pair, &visitor, |n| format!("/slow/k{n}?delay={}", n * delay % 60)).await;
        let mut expected: Map<_, _> = (0..WRITERS).map(|n| (format!("k{n}"), json!(n))).collect();
        expected.insert("first".to_owned(), json!(true));
        check(&pair, &visitor, &Value::Object(expected)).await;
    }
}

pub(crate) async fn s_082_what_one_process_writes_the_other_reads(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    let mut visitor = pair.visitor(0);
    for n in 0..100 {
        visitor = pair.moved(&visitor, n);
        visitor.does("/set", &json!({"n": n}).to_string()).await;
        if n % 10 == 0 {
            visitor.does("/cycle", "").await;
        }
        let mut elsewhere = pair.moved(&visitor, n + 1);
        assert_eq!(elsewhere.get("/key/n").await.json(), n);
    }
}
