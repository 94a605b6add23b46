//! A.3: what a handler does with its session.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom::{ErrorKind, MaxAge, Session};
use serde_json::json;

use crate::site::Site;

async fn load(site: &Site, cookie: &str) -> Session {
    site.0.layer.backend().load_from_connection([cookie.as_bytes()]).await.unwrap()
}

async fn commit(site: &Site, session: &Session) -> Option<String> {
    let (headers, outcome) = site.0.layer.backend().store_in_message(session, 200).await;
    outcome.unwrap();
    headers.set_cookie.map(|line| line.split(';').next().unwrap().to_owned())
}

/// A map of typed values. Better: loaded when it is first used; where there is none it says so; and it is empty after an end, not
/// a value that looks as if it were there.
#[tokio::test]
async fn a_3_session_is_a_map_that_is_loaded_at_its_first_use() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let before = site.0.store.all_calls();
    visitor.get("/noop").await;
    assert_eq!(site.0.store.all_calls(), before);
    assert_eq!(visitor.data().await, json!({"a": 1}));
    assert_eq!(visitor.get("/skip").await.body, r#"{"error":"excluded"}"#);

    let session = load(&site, &visitor.cookie).await;
    session.insert("b", &2).unwrap();
    assert_eq!(session.len(), 2);
    assert!(session.contains_key("b") && session.remove("a").unwrap());
    session.destroy().unwrap();
    assert!(session.is_empty() && !session.exists());
}

/// The counterpart is `clear` and `insert`. Better: only objects can be stored, so no request can leave what the next
/// cannot use.
#[tokio::test]
async fn a_3_set_session_takes_objects_alone() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1,"b":2}"#).await;
    let session = load(&site, &visitor.cookie).await;
    session.clear().unwrap();
    for (key, value) in BTreeMap::from([("c", 3), ("d", 4)]) {
        session.insert(key, &value).unwrap();
    }
    assert_eq!(commit(&site, &session).await, None, "the ID stays");
    assert_eq!(visitor.data().await, json!({"c": 3, "d": 4}));
}

/// The counterpart is `destroy`. Better: the old ID is dead, and what is set afterwards has a new one.
#[tokio::test]
async fn a_3_clear_session_ends_the_session() {
    let site = Site::new();
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let old = visitor.clone().cookie;
    assert!(visitor.post("/clear", "").await.expires_cookie());
    assert_eq!(site.live().await, 0);
    visitor.cookie = old;
    assert_eq!(visitor.absence().await, "unknown");
}

/// The counterpart is the public half. Better: the secret half is shown to nobody.
#[tokio::test]
async fn a_3_get_session_id_is_a_public_name() {
    let site = Site::new();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let session = load(&site, &visitor.cookie).await;
    let handle = session.handle().unwrap().to_string();
    assert_eq!(handle, visitor.id()[..32]);
    assert!(!format!("{session:?}").contains(&visitor.id()[32..]));
    session.destroy().unwrap();
    assert_eq!(session.handle(), None);
}

/// What the reference has no member for: a new ID, renewal, saving, a lifetime of its own, times, subjects, lists, counts,
/// a look at the present state, types, and the end as an event.
#[tokio::test]
async fn a_3_more_members_than_the_reference_has() {
    let site = Site::new();
    let sessions = site.0.layer.sessions();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let session = load(&site, &visitor.cookie).await;
    session.cycle_id().unwrap();
    session.sign_in("ada").unwrap();
    session.set_label("device", "phone").unwrap();
    session.set_max_age(MaxAge::Lasting(Duration::from_secs(60))).unwrap();
    session.renew().unwrap();
    session.save().await.unwrap();
    let new = commit(&site, &session).await.unwrap();
    assert_ne!(new, visitor.cookie);

    let session = load(&site, &new).await;
    assert_eq!(session.decode::<BTreeMap<String, u32>>().unwrap()["a"], 1);
    let lives = session.expires_at().unwrap().since(session.last_seen_at().unwrap());
    assert_eq!(lives, Duration::from_secs(60));
    assert!(session.created_at() <= session.authenticated_at());
    assert_eq!((sessions.of("ada").await.unwrap().len(), sessions.count().await.unwrap()), (1, 1));
    session.insert("b", &2).unwrap();
    session.discard().unwrap();
    session.reload().await.unwrap();
    assert!(!session.contains_key("b"));

    let detached = session.detached();
    let ended = detached.ended();
    assert_eq!(sessions.revoke_all("ada").await.unwrap(), 1);
    assert_eq!(ended.await, cloakroom::store::Ended::Revoked);
    session.insert("b", &2).unwrap();
    let error = session.save().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
}
