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
    assert_eq!(sides.litestar.get("/session").await.json(), json!({"cart": 1}));
    assert_eq!(sides.load().await.subject().as_deref(), Some("ada"), "kept over Litestar's write");
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
