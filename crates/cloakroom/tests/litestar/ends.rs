//! Sessions that end on one side, on a real Litestar application.

use cloakroom::Absence;
use serde_json::json;

use crate::side::{slow_request, start};

/// A sign-in changes the ID; the old one is dead on both sides, until a Litestar request that began before
/// writes it back, which ours does not take.
#[tokio::test]
async fn b_012_b_052_an_id_that_ended_here_stays_ended_here() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"cart":1}"#).await;
    let old = sides.litestar.clone();
    sides.does(|session| session.sign_in("ada").unwrap()).await;
    assert_ne!(old.cookie, sides.litestar.cookie);
    assert_eq!(sides.load().await.subject().as_deref(), Some("ada"));
    let old_id = old.cookie.as_ref().unwrap().split_once('=').unwrap().1;
    let old_key = format!("LITESTAR:{old_id}");
    assert_eq!(sides.server.cli(&["EXISTS", &old_key]).unwrap().trim(), "0");

    // As a Litestar request in flight would.
    sides.server.cli(&["SET", &old_key, r#"{"cart":1}"#, "EX", "1209600"]).unwrap();
    let new = sides.litestar.cookie.replace(old.cookie.clone().unwrap());
    assert!(sides.load().await.absence().is_some());
    assert_eq!(sides.server.cli(&["EXISTS", &old_key]).unwrap().trim(), "0", "removed when seen");
    sides.litestar.cookie = new;
    assert_eq!(sides.load().await.subject().as_deref(), Some("ada"));
    let there = sides.litestar.get("/session").await.json();
    assert_eq!(there["cart"], 1);
    assert!(there["_cloakroom"].is_u64(), "the mark of the sign-in: {there}");
    sides.litestar.does("/set", r#"{"cart":2}"#).await;
    assert_eq!(sides.load().await.subject().as_deref(), Some("ada"), "kept over Litestar's write");
    assert_eq!(sides.data().await, json!({"cart": 2}));
}

/// A slow Litestar request loads, our side revokes, Litestar writes back: dead here, and gone once seen.
#[tokio::test]
async fn b_052_b_053_a_revoked_session_is_not_brought_back_by_litestar() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"a":1}"#).await;
    let handle = sides.load().await.handle().unwrap();
    let key = format!("LITESTAR:{}", sides.id());
    let request = slow_request(&sides).await;

    assert!(sides.ours.sessions().revoke(handle).await.unwrap());
    assert_eq!(sides.server.cli(&["EXISTS", &key]).unwrap().trim(), "0");
    assert_eq!(request.await.unwrap(), json!({"a": 1}));
    assert_eq!(sides.server.cli(&["EXISTS", &key]).unwrap().trim(), "1", "Litestar's write-back");
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
    assert_eq!(sides.server.cli(&["EXISTS", &key]).unwrap().trim(), "0");
}

/// Litestar's `delete_all` does not reach what we know, so that nothing that ended comes back by it.
#[tokio::test]
async fn what_we_know_is_out_of_reach_of_litestars_delete_all() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"a":1}"#).await;
    let handle = sides.load().await.handle().unwrap();
    let key = format!("LITESTAR:{}", sides.id());
    sides.ours.sessions().revoke(handle).await.unwrap();
    sides.litestar.post("/delete-all", "").await;
    sides.server.cli(&["SET", &key, r#"{"a":1}"#, "EX", "100"]).unwrap();
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
}

/// Litestar's sign-out ends it here.
#[tokio::test]
async fn b_006_b_007_what_litestar_clears_is_gone_here() {
    let Some(mut sides) = start() else { return };
    sides.does(|session| session.insert("a", &1).unwrap()).await;
    let cookie = sides.litestar.cookie.clone();
    sides.litestar.does("/clear", "").await;
    assert_eq!(sides.litestar.cookie.as_deref(), Some("session=null"));
    assert_eq!(sides.load().await.absence(), Some(Absence::Malformed));
    sides.litestar.cookie = cookie;
    assert!(sides.load().await.absence().is_some());
}

/// As long as Litestar prolongs it somebody stays signed in; what was made anew after its end is a session of nobody.
#[tokio::test]
async fn b_011_a_signed_in_session_that_expired_is_not_revived_by_litestar() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"cart":1}"#).await;
    sides.does(|session| session.sign_in("ada").unwrap()).await;
    let key = format!("LITESTAR:{}", sides.id());
    let handle = sides.load().await.handle().unwrap();
    let known = format!("cloakroom-litestar/LITESTAR:s:{handle}");
    let noted = || sides.server.cli(&["HGET", &known, "expiry"]).unwrap().trim().parse().unwrap();
    let before: u64 = noted();
    sides.server.cli(&["EXPIRE", &key, "2000000"]).unwrap();
    assert_eq!(sides.load().await.subject().as_deref(), Some("ada"));
    assert!(noted() > before + 700_000_000, "prolonged, and seen to be");
    // As the server does when its time has come.
    sides.server.cli(&["DEL", &key]).unwrap();
    sides.server.cli(&["HSET", &known, "expiry", "1", "idle", "1"]).unwrap();
    sides.litestar.does("/set", r#"{"planted":1}"#).await;
    assert_eq!(sides.server.cli(&["EXISTS", &key]).unwrap().trim(), "1");
    assert_eq!(sides.load().await.subject(), None);
}

/// What ended there is over, whoever presents its ID to Litestar afterwards: it lives again there, and here it is a session of
/// nobody, whether its end was seen here or not.
#[tokio::test]
async fn b_011_what_litestar_ended_is_not_revived_by_litestar() {
    for seen in [true, false] {
        let Some(mut sides) = start() else { return };
        sides.litestar.does("/set", r#"{"cart":1}"#).await;
        sides.does(|session| session.sign_in("ada").unwrap()).await;
        let (cookie, handle) = (sides.litestar.cookie.clone(), sides.load().await.handle());
        sides.litestar.does("/clear", "").await;
        sides.litestar.cookie = cookie;
        if seen {
            assert_eq!(sides.load().await.subject(), None);
        }
        sides.litestar.does("/set", r#"{"planted":1}"#).await;
        assert_eq!(sides.ours.sessions().of("ada").await.unwrap().len(), 0, "seen: {seen}");
        let session = sides.load().await;
        assert_eq!((session.subject(), session.handle()), (None, handle), "seen: {seen}");
        assert_eq!(sides.data().await, json!({"planted": 1}), "a session of nobody");
        sides.does(|session| session.insert("ours", &1).unwrap()).await;
        assert_eq!(sides.data().await, json!({"planted": 1, "ours": 1}));
    }
}

/// What is put in the place of a session there is another one; who was signed in here signs in again.
#[tokio::test]
async fn b_011_an_object_that_replaces_a_session_is_nobodys() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"cart":1}"#).await;
    sides.does(|session| session.sign_in("ada").unwrap()).await;
    let key = format!("LITESTAR:{}", sides.id());
    sides.server.cli(&["SET", &key, r#"{"cart":2}"#, "EX", "1209600"]).unwrap();
    assert_eq!(sides.load().await.subject(), None);
    assert_eq!(sides.data().await, json!({"cart": 2}));
    sides.does(|session| session.sign_in("bob").unwrap()).await;
    assert_eq!(sides.load().await.subject().as_deref(), Some("bob"));
}

/// Everybody is signed out on both sides; what a request there brings back is dead here and gone once it is seen.
#[tokio::test]
async fn a_4_delete_all_ends_sessions_on_both_sides() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"unseen":1}"#).await;
    let unseen = sides.litestar.cookie.take();
    sides.litestar.does("/set", r#"{"a":1}"#).await;
    sides.does(|session| session.sign_in("ada").unwrap()).await;
    let key = format!("LITESTAR:{}", sides.id());
    let request = slow_request(&sides).await;

    assert_eq!(sides.ours.sessions().delete_all().await.unwrap(), 2);
    assert_eq!(sides.server.cli(&["KEYS", "LITESTAR:*"]).unwrap().trim(), "");
    assert_eq!(request.await.unwrap()["a"], 1);
    assert_eq!(sides.server.cli(&["EXISTS", &key]).unwrap().trim(), "1", "Litestar's write-back");
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
    assert_eq!(sides.server.cli(&["EXISTS", &key]).unwrap().trim(), "0");
    sides.litestar.cookie = unseen;
    assert_eq!(sides.litestar.get("/session").await.json(), json!({}));
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
}
