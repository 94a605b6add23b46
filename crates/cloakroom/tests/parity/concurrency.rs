//! B.8: requests at the same time.

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{Absence, Session};
use serde_json::json;

use crate::site::Site;

async fn load(site: &Site, cookie: &str) -> Session {
    site.0.layer.backend().load_from_connection([cookie.as_bytes()]).await.unwrap()
}

async fn commit(site: &Site, session: &Session) -> Option<String> {
    let (headers, outcome) = site.0.layer.backend().store_in_message(session, 200).await;
    outcome.unwrap();
    headers.set_cookie
}

/// Better: changes of different keys all survive, and `update` counts right.
#[tokio::test]
async fn b_050_slow_and_parallel_writers_lose_nothing() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"n":0}"#).await;
    let slow = load(&site, &visitor.cookie).await;
    slow.insert("x", &1).unwrap();
    visitor.post("/put", r#"{"y":2}"#).await;
    commit(&site, &slow).await;
    assert_eq!(visitor.data().await, json!({"n": 0, "x": 1, "y": 2}));

    let mut sessions = Vec::new();
    for key in 0..20 {
        let session = load(&site, &visitor.cookie).await;
        session.insert(&*format!("k{key}"), &key).unwrap();
        session.update("n", |n: &mut u32| *n += 1).unwrap();
        sessions.push(session);
    }
    for session in &sessions {
        commit(&site, session).await;
    }
    let data = visitor.data().await;
    assert_eq!((data["n"].clone(), data.as_object().unwrap().len()), (json!(20), 23));
}

/// Better: what was only read is not written, so it reverts nothing.
#[tokio::test]
async fn b_051_a_slow_reader_reverts_nothing() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"cart":0}"#).await;
    let slow = load(&site, &visitor.cookie).await;
    assert_eq!(slow.get::<u32>("cart").unwrap(), Some(0));
    visitor.post("/put", r#"{"cart":99}"#).await;
    assert_eq!(commit(&site, &slow).await, None);
    assert_eq!(visitor.data().await, json!({"cart": 99}));
}

/// Better: what ended while a request ran stays ended, whether it read or wrote.
#[tokio::test]
async fn b_052_a_request_in_flight_brings_no_session_back() {
    for writes in [false, true] {
        let site = Site::new();
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        let cookie = visitor.cookie.clone();
        let slow = load(&site, &cookie).await;
        if writes {
            slow.insert("a", &2).unwrap();
        }
        assert!(visitor.post("/clear", "").await.expires_cookie());
        assert_eq!(commit(&site, &slow).await, None, "neither set nor cleared");
        assert!(!load(&site, &cookie).await.exists());
        assert_eq!(site.live().await, 0);
    }
}

/// Better: the same for an end by an operator.
#[tokio::test]
async fn b_053_a_revocation_is_not_undone() {
    let site = Site::new();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let slow = load(&site, &visitor.cookie).await;
    slow.insert("a", &2).unwrap();
    assert!(site.0.layer.sessions().revoke(slow.handle().unwrap()).await.unwrap());
    assert_eq!(commit(&site, &slow).await, None);
    assert_eq!(load(&site, &visitor.cookie).await.absence(), Some(Absence::Revoked));
}

/// The same: each first visit that stores something has a session of its own, and the browser keeps the last cookie.
/// Better: one that stores nothing has none.
#[tokio::test]
async fn b_056_parallel_first_visits_are_sessions_of_their_own() {
    let site = Site::new();
    let gate = Gate::new();
    for nth in 1..=4 {
        site.0.store.inject(Operation::Create, nth, Fault::Wait(gate.clone()));
    }
    let mut tabs = [(); 4].map(|()| site.visitor());
    let mut requests: Vec<_> =
        tabs.iter_mut().map(|tab| Box::pin(tab.post("/put", r#"{"a":1}"#))).collect();
    for request in &mut requests {
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(request.as_mut().poll(cx)));
        assert!(first.await.is_pending());
        gate.open();
    }
    for request in requests {
        assert!(request.await.set_cookie().is_some());
    }
    let ids: std::collections::BTreeSet<_> = tabs.iter().map(|tab| tab.id()).collect();
    assert_eq!((ids.len(), site.live().await), (4, 4));
    for _ in 0..4 {
        site.visitor().get("/session").await;
    }
    assert_eq!(site.live().await, 4);
}
