//! A.2: the methods of the backend.

use std::time::Duration;

use cloakroom::store::{Ended, Lookup, Renewal};
use cloakroom::testkit::Operation;
use cloakroom::{
    Clock, IdFormat, ServerSideSessionBackend, ServerSideSessionConfig, Session, SessionHandle,
    SessionId, Store,
};
use serde::{Deserialize, Serialize};

use crate::site::Site;

fn backend(site: &Site) -> &ServerSideSessionBackend {
    site.0.layer.backend()
}

async fn load(site: &Site, cookie: &str) -> Session {
    backend(site).load_from_connection([cookie.as_bytes()]).await.unwrap()
}

fn handle(id: &str) -> SessionHandle {
    SessionId::parse(id.as_bytes(), 32, IdFormat::Hex).unwrap().handle()
}

/// The same, by the public name; better: only whoever holds the whole ID renews.
#[tokio::test]
async fn a_2_get_renews_only_when_asked_to() {
    let site = Site::with(ServerSideSessionConfig::litestar());
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let id = SessionId::parse(visitor.id().as_bytes(), 32, IdFormat::Hex).unwrap();
    let other = SessionId::generate(32).unwrap();
    site.0.clock.advance(Duration::from_secs(7 * 86_400));
    let now = site.0.clock.now();
    let ends = async |renewal: Option<&Renewal>| match site
        .0
        .store
        .load(id.handle(), renewal, now)
        .await
    {
        Ok(Lookup::Live(record)) => record.expires_at().since(now),
        other => panic!("{other:?}"),
    };
    let (week, both) = (Duration::from_secs(7 * 86_400), Duration::from_secs(14 * 86_400));
    assert_eq!(ends(None).await, week);
    assert_eq!(ends(Some(&Renewal::new(other.secret_hash(), None))).await, week);
    assert_eq!(ends(Some(&Renewal::new(id.secret_hash(), None))).await, both);
}

/// The same effect; better: by compare-and-set, so that what others wrote meanwhile survives.
#[tokio::test]
async fn a_2_set_replaces_the_value_and_restarts_the_deadline() {
    let site = Site::new();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let before = load(&site, &visitor.cookie).await.expires_at().unwrap();
    let day = Duration::from_secs(86_400);
    site.0.clock.advance(day);
    let mut tab = visitor.clone();
    tab.post("/put", r#"{"a":2}"#).await;
    let session = load(&site, &visitor.cookie).await;
    assert_eq!(session.get::<u32>("a").unwrap(), Some(2));
    assert_eq!(session.expires_at().unwrap().since(before), day);
}

/// The same.
#[tokio::test]
async fn a_2_delete_is_silent_when_there_is_nothing() {
    let site = Site::new();
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let (handle, now) = (handle(visitor.id()), site.0.clock.now());
    for there in [true, false] {
        assert_eq!(site.0.store.delete(handle, Ended::Destroyed, now).await.unwrap(), there);
    }
}

/// Better: there is none before something is stored, and what a cookie claims is no ID unless a session has it. What
/// is shown is the public half.
#[tokio::test]
async fn a_2_get_session_id_is_of_a_session_that_exists() {
    let site = Site::new();
    let session = load(&site, &format!("session={}", "ab".repeat(32))).await;
    assert_eq!(session.handle(), None);
    session.insert("a", &1).unwrap();
    session.save().await.unwrap();
    let (headers, _) = backend(&site).store_in_message(&session, 200).await;
    let line = headers.set_cookie.unwrap();
    let id = line.strip_prefix("session=").unwrap().split(';').next().unwrap();
    assert_eq!(session.handle(), Some(handle(id)));
    assert_eq!(id[..32], session.handle().unwrap().to_string());
}

/// The same form, from the operating system; better: one that is taken is not given out twice.
#[tokio::test]
async fn a_2_generate_session_id_is_hexadecimal_and_new() {
    let site = Site::new();
    let ids = [(); 2].map(|()| backend(&site).generate_session_id().unwrap());
    let [one, other] = ids.map(|id| id.expose(IdFormat::Hex).to_string());
    assert_eq!((one.len(), other.len()), (64, 64));
    assert_ne!(one, other);
}

/// Better: what is no ID of ours is not looked up, and what cannot be read is no error of the visitor's.
#[tokio::test]
async fn a_2_load_from_connection_looks_up_ids_alone() {
    let site = Site::new();
    for cookie in ["", "session=", "session=null", "session=abc"] {
        assert!(!load(&site, cookie).await.exists());
    }
    assert_eq!(site.0.store.all_calls(), 0);
    let visitor = site.with_session(r#"{"a":1}"#).await;
    assert!(load(&site, &visitor.cookie).await.exists());
    assert_eq!(site.0.store.calls(Operation::Load), 1);
    site.0.store.inject(Operation::Load, 1, cloakroom::testkit::Fault::Corrupt);
    assert!(!load(&site, &visitor.cookie).await.exists());
}

/// The same order: stored before the headers are known. Better: nothing where nothing changed.
#[tokio::test]
async fn a_2_store_in_message_stores_what_changed() {
    let site = Site::new();
    let session = load(&site, "").await;
    assert_eq!(backend(&site).store_in_message(&session, 200).await.0.set_cookie, None);
    assert_eq!(site.0.store.all_calls(), 0);

    let session = load(&site, "").await;
    session.insert("a", &1).unwrap();
    site.0.store.set_down(true);
    let (headers, outcome) = backend(&site).store_in_message(&session, 200).await;
    assert!(outcome.is_err() && headers.set_cookie.is_none());
    site.0.store.set_down(false);

    let session = load(&site, "").await;
    session.insert("a", &1).unwrap();
    let (headers, outcome) = backend(&site).store_in_message(&session, 200).await;
    assert!(outcome.is_ok() && headers.set_cookie.is_some());
    assert_eq!(site.live().await, 1);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<u32>,
    note: Option<String>,
}

/// The same encoding. Better: what cannot be written is an error where it is set, before anything else happens.
#[tokio::test]
async fn a_2_serialize_data_fails_where_the_value_is_set() {
    let site = Site::new();
    let session = load(&site, "").await;
    session.insert("cart", &Cart { items: vec![1, 2], note: None }).unwrap();
    let unfit = std::collections::BTreeMap::from([(vec![1], 1)]);
    let error = session.insert("unfit", &unfit).unwrap_err();
    assert_eq!(error.kind(), cloakroom::ErrorKind::Encode);
    assert_eq!(session.keys(), ["cart"]);
    assert_eq!(session.data().to_document(), br#"{"cart":{"items":[1,2],"note":null}}"#);
}

/// Better: what was written by a type is read by it.
#[tokio::test]
async fn a_2_deserialize_data_reads_the_type_that_was_written() {
    let site = Site::new();
    let session = load(&site, "").await;
    let cart = Cart { items: vec![3], note: Some("x".to_owned()) };
    session.insert("cart", &cart).unwrap();
    session.save().await.unwrap();
    session.reload().await.unwrap();
    assert_eq!(session.get::<Cart>("cart").unwrap(), Some(cart));
    let error = session.get::<u32>("cart").unwrap_err();
    assert_eq!(error.kind(), cloakroom::ErrorKind::Type);
}
