//! B.5: growth, sharing, and what a value becomes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cloakroom::{ErrorKind, MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig};
use serde_json::{Value, json};

use crate::site::Site;

/// Better: who stores nothing has no entry; what is stored is bounded, and signed-in sessions are not pushed out by
/// anonymous ones. `max_creations_per_second` limits those further.
#[tokio::test]
async fn b_030_visitors_without_a_cookie_leave_nothing() {
    let site = Site::new();
    for _ in 0..50 {
        site.visitor().get("/session").await;
    }
    assert_eq!(site.0.store.all_calls(), 0);
    assert_eq!(site.live().await, 0);

    let config = ServerSideSessionConfig::litestar().with_max_creations_per_second(10);
    let site = Site::with(config);
    let mut refused = 0;
    for _ in 0..50 {
        refused += u32::from(site.visitor().post("/put", r#"{"a":1}"#).await.status == 429);
    }
    assert_eq!((site.live().await, refused), (10, 40));
}

/// Better: a worker that does not know the ID gives no second life to it. So that workers share sessions they
/// share a store; the one in memory says in its documentation that it is for one process.
#[tokio::test]
async fn b_031_a_worker_without_the_session_does_not_take_its_id_over() {
    let (one, other) = (Site::new(), Site::new());
    let mut visitor = one.with_session(r#"{"a":1}"#).await;
    let mut elsewhere = other.visitor();
    elsewhere.cookie = visitor.cookie.clone();
    for _ in 0..3 {
        assert_eq!(visitor.data().await, json!({"a": 1}));
        let answer = elsewhere.get("/session").await;
        assert_eq!((&*answer.body, answer.set_cookie()), ("{}", None));
    }
    assert_eq!(other.live().await, 0);

    let store = MemoryStore::new();
    let worker = || {
        ServerSideSessionBackend::new(store.clone(), ServerSideSessionConfig::litestar()).unwrap()
    };
    let session = worker().load_from_connection([]).await.unwrap();
    session.insert("a", &1).unwrap();
    let (headers, _) = worker().store_in_message(&session, 200).await;
    let cookie = headers.set_cookie.unwrap();
    let cookie = cookie.split(';').next().unwrap();
    assert!(worker().load_from_connection([cookie.as_bytes()]).await.unwrap().exists());
}

/// Stores a value and reads it in a later request.
async fn round_trip<T>(site: &Site, value: T) -> T
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let backend = site.0.layer.backend();
    let session = backend.load_from_connection([]).await.unwrap();
    session.insert("v", &value).unwrap();
    let (headers, outcome) = backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    let line = headers.set_cookie.unwrap();
    let cookie = line.split(';').next().unwrap();
    let session = backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
    session.get("v").unwrap().unwrap()
}

/// Better: what was stored as a type is read as that type. At rest it is JSON, as there.
#[tokio::test]
async fn b_032_a_value_comes_back_as_the_type_that_it_was() {
    let site = Site::new();
    assert_eq!(round_trip(&site, vec![1_u8, 255]).await, [1, 255]);
    assert_eq!(round_trip(&site, (1, "x".to_owned(), None::<u8>)).await, (1, "x".to_owned(), None));
    assert_eq!(round_trip(&site, BTreeSet::from([2, 1])).await, BTreeSet::from([1, 2]));
    assert!(round_trip(&site, HashMap::from([(7_u64, true)])).await[&7]);
    assert_eq!(round_trip(&site, u64::MAX).await, u64::MAX);
    let day = std::time::Duration::from_millis(86_400_123);
    assert_eq!(round_trip(&site, day).await, day);
    assert_eq!(round_trip(&site, json!({"a": [null, 1.5]})).await, json!({"a": [null, 1.5]}));
}

/// Better: it fails in the handler, at the call that set it, and nothing else is lost.
#[tokio::test]
async fn b_033_what_cannot_be_written_fails_in_the_handler() {
    let site = Site::new();
    let session = site.0.layer.backend().load_from_connection([]).await.unwrap();
    session.insert("a", &1).unwrap();
    let unfit = BTreeMap::from([(vec![1], 1)]);
    assert_eq!(session.insert("b", &unfit).unwrap_err().kind(), ErrorKind::Encode);
    let (headers, outcome) = site.0.layer.backend().store_in_message(&session, 200).await;
    assert!(outcome.is_ok() && headers.set_cookie.is_some());
    assert_eq!(session.keys(), ["a"]);
}

/// Better: a session is an object, always.
#[tokio::test]
async fn b_034_a_session_is_an_object_and_nothing_else() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let backend = site.0.layer.backend();
    let session = backend.load_from_connection([visitor.cookie.as_bytes()]).await.unwrap();
    // Whatever is stored under a key, a `null` or a list, the next request can set another.
    for value in [Value::Null, json!([1, 2]), json!(5)] {
        session.insert("a", &value).unwrap();
    }
    backend.store_in_message(&session, 200).await.1.unwrap();
    assert_eq!(visitor.post("/put", r#"{"x":1}"#).await.status, 204);
    assert_eq!(visitor.data().await, json!({"a": 5, "x": 1}));
}

/// Better: it is no session and a warning for the operator; the visitor gets a new one.
#[tokio::test]
async fn b_035_what_cannot_be_read_locks_nobody_out() {
    use cloakroom::testkit::{Fault, Operation};
    let site = Site::new();
    for path in ["/session", "/clear"] {
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        let method = if path == "/clear" { "POST" } else { "GET" };
        site.0.store.inject(Operation::Load, 1, Fault::Corrupt);
        assert!(visitor.send(method, path, "").await.status < 300, "{path}");
        site.0.store.inject(Operation::Load, 1, Fault::Corrupt);
        let old = visitor.cookie.clone();
        assert_eq!(visitor.post("/put", r#"{"b":1}"#).await.status, 204);
        assert_ne!(visitor.cookie, old);
        assert_eq!(visitor.data().await, json!({"b": 1}));
    }
}
