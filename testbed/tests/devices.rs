//! The sessions of one subject: listed, limited, and ended on every node.

#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

mod site;

use cloakroom::testkit::Operation;
use cloakroom::testkit::client::{Visitor, is_alive};
use serde_json::json;
use tokio::task::JoinSet;

use crate::site::{NAME, backend, serve_testbed};

async fn handle(visitor: &Visitor) -> String {
    visitor.clone().session().await["handle"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn s_064_revoking_a_subject_ends_its_sessions_on_every_node() {
    let testbed = site::start().await;
    let other = serve_testbed(backend(&testbed, &[])).await;
    let mut ada = Vec::new();
    for at in [testbed.address, testbed.address, other] {
        let mut visitor = Visitor { address: at, cookie: None };
        visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
        ada.push(visitor.cookie.unwrap());
    }
    let bob = testbed.signed_in("bob").await.cookie.unwrap();
    for at in [testbed.address, other] {
        for cookie in ada.iter().chain([&bob]) {
            assert!(is_alive(at, cookie).await);
        }
    }

    let mut operator = Visitor { address: other, cookie: None };
    assert_eq!(operator.post("/subjects/ada/revoke", "").await.json(), json!({"revoked": 3}));

    for at in [testbed.address, other] {
        for cookie in &ada {
            assert!(!is_alive(at, cookie).await);
        }
        assert!(is_alive(at, &bob).await);
    }
    assert_eq!(operator.post("/subjects/ada/revoke", "").await.json(), json!({"revoked": 0}));
}

#[tokio::test]
async fn s_064_a_revocation_is_of_exactly_this_subject() {
    let testbed = site::start().await;
    let near = ["Ada", "ada2", "ad", "ada%20", "ada%00", "a%64a2"];
    let visitor = testbed.signed_in("ada").await;
    for subject in near {
        testbed.visitor().post(&format!("/subjects/{subject}/revoke"), "").await;
        assert!(is_alive(testbed.address, visitor.cookie.as_ref().unwrap()).await, "{subject}");
    }
}

#[tokio::test]
async fn s_065_revoking_others_leaves_the_current_one() {
    let testbed = site::start().await;
    let mut current = testbed.signed_in("ada").await;
    let others = [testbed.signed_in("ada").await, testbed.signed_in("ada").await];
    let bob = testbed.signed_in("bob").await;
    let answer = current.post("/devices/revoke-others", "").await;
    assert_eq!(answer.json(), json!({"revoked": 2}));
    for other in others {
        assert!(!is_alive(testbed.address, &other.cookie.unwrap()).await);
    }
    for alive in [current, bob] {
        assert!(is_alive(testbed.address, &alive.cookie.unwrap()).await);
    }
}

#[tokio::test]
async fn s_066_a_commit_in_flight_survives_no_revocation() {
    let testbed = site::start().await;
    let visitor = testbed.signed_in("ada").await;
    let write = ("POST", "/sign-in", r#"{"subject":"ada"}"#);
    let (slow, gate) = testbed.held(&visitor, (Operation::Update, 1), write).await;
    testbed.visitor().post("/subjects/ada/revoke", "").await;
    gate.open();
    assert_eq!(slow.await.unwrap().set_cookie(), None);
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_069_fifty_sign_ins_keep_within_the_limit() {
    let testbed = site::start_with(&[("max_sessions_per_subject", "20")]).await;
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        let mut visitor = testbed.visitor();
        requests.spawn(async move {
            visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
            visitor
        });
    }
    let mut alive = 0;
    for mut visitor in requests.join_all().await {
        alive += u64::from(visitor.session().await["exists"] == true);
    }
    // Racing sign-ins may end one another: fewer than allowed, never more, and whoever was told so is in.
    assert!((1..=20).contains(&alive), "{alive} are alive");
    assert_eq!(testbed.live().await, alive);
}

#[tokio::test]
async fn s_069_a_sign_in_too_many_is_refused_and_leaves_no_session() {
    let settings = [("max_sessions_per_subject", "2"), ("subject_limit_policy", "refuse")];
    let testbed = site::start_with(&settings).await;
    let mut first = testbed.signed_in("ada").await;
    let second = testbed.signed_in("ada").await;
    testbed.clock.advance(std::time::Duration::from_millis(1));

    let mut third = testbed.visitor();
    let answer = third.post("/sign-in", r#"{"subject":"ada"}"#).await;
    assert_eq!((answer.error(), answer.set_cookie()), ((409, "subject-limit".to_owned()), None));
    assert_eq!(testbed.live().await, 2);

    // One that ends makes room for it.
    first.does("/sign-out", "").await;
    third.does("/sign-in", r#"{"subject":"ada"}"#).await;
    for alive in [second, third] {
        assert!(is_alive(testbed.address, &alive.cookie.unwrap()).await);
    }
}

#[tokio::test]
async fn s_069_signing_in_again_counts_once_and_evicts_the_oldest() {
    let testbed = site::start_with(&[("max_sessions_per_subject", "2")]).await;
    let mut first = testbed.signed_in("ada").await;
    testbed.clock.advance(std::time::Duration::from_secs(1));
    let second = testbed.signed_in("ada").await;
    testbed.clock.advance(std::time::Duration::from_secs(1));
    for _ in 0..3 {
        first.does("/sign-in", r#"{"subject":"ada"}"#).await;
    }
    assert_eq!(testbed.live().await, 2);
    testbed.clock.advance(std::time::Duration::from_secs(1));
    let third = testbed.signed_in("ada").await;
    assert_eq!(testbed.live().await, 2);
    // The sign-in of the second is the oldest by now.
    assert!(!is_alive(testbed.address, &second.cookie.unwrap()).await);
    for alive in [first, third] {
        assert!(is_alive(testbed.address, &alive.cookie.unwrap()).await);
    }
}

#[tokio::test]
async fn s_071_a_list_names_sessions_and_no_secret_selects_by_it() {
    let testbed = site::start().await;
    let mut ada = testbed.visitor();
    ada.does("/sign-in", r#"{"subject":"ada","label":"laptop"}"#).await;
    let mut phone = testbed.visitor();
    phone.does("/sign-in", r#"{"subject":"ada","label":"phone"}"#).await;
    let mut bob = testbed.signed_in("bob").await;

    let answer = ada.get("/devices").await;
    let list = answer.json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    for device in list.as_array().unwrap() {
        let handle = device["handle"].as_str().unwrap();
        let current = device["label"] == "laptop";
        assert_eq!(device["current"], current);
        assert_eq!(handle.len(), 32);
        assert!(!is_alive(testbed.address, &format!("{}={handle}", NAME)).await);
    }
    for visitor in [&ada, &phone] {
        let id = visitor.cookie.as_ref().unwrap().split_once('=').unwrap().1;
        assert!(!answer.body.contains(&id[22..]));
    }

    let (own, foreign) = (handle(&phone).await, handle(&bob).await);
    assert_eq!(ada.delete(&format!("/devices/{foreign}")).await.status, 404);
    assert_eq!(ada.delete(&format!("/devices/{}", "0".repeat(32))).await.status, 404);
    for nonsense in ["x", &own[..31], &own.to_uppercase(), &format!("{own}0"), "%00"] {
        let status = ada.delete(&format!("/devices/{nonsense}")).await.status;
        assert!(status == 400 || nonsense == own, "{nonsense}: {status}");
    }
    assert_eq!(bob.session().await["exists"], true);
    assert_eq!(phone.session().await["exists"], true);

    assert_eq!(ada.delete(&format!("/devices/{own}")).await.status, 204);
    assert_eq!(phone.session().await["exists"], false);
    assert_eq!(ada.delete(&format!("/devices/{own}")).await.status, 404);
    let own = handle(&ada).await;
    assert_eq!(ada.delete(&format!("/devices/{own}")).await.status, 204);
    assert_eq!(ada.session().await["exists"], false);
}

#[tokio::test]
async fn s_071_an_anonymous_visitor_lists_and_revokes_nothing() {
    let testbed = site::start().await;
    let victim = testbed.signed_in("ada").await;
    let path = format!("/devices/{}", handle(&victim).await);
    let mut anonymous = testbed.visitor();
    anonymous.does("/set", r#"{"subject":"ada"}"#).await;
    for mut visitor in [testbed.visitor(), anonymous] {
        assert_eq!(visitor.get("/devices").await.status, 401);
        assert_eq!(visitor.delete(&path).await.status, 401);
        assert_eq!(visitor.post("/devices/revoke-others", "").await.status, 401);
    }
    assert!(is_alive(testbed.address, &victim.cookie.unwrap()).await);
}
