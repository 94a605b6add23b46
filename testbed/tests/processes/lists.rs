//! What both processes list.

use std::collections::BTreeSet;

use cloakroom::testkit::client::Visitor;
use serde_json::{Value, json};

use crate::pair::Pair;
use crate::stores::Place;

async fn handle(visitor: &Visitor) -> String {
    visitor.clone().session().await["handle"].as_str().unwrap().to_owned()
}

/// That both list the sessions of these visitors to the first of them, and no other.
async fn check(pair: &Pair, visitors: &[&Visitor]) {
    let mut expected = BTreeSet::new();
    for visitor in visitors {
        expected.insert(handle(visitor).await);
    }
    for n in 0..2 {
        let list = pair.moved(visitors[0], n).get("/devices").await.json();
        let handle = |device: &Value| device["handle"].as_str().unwrap().to_owned();
        let listed: BTreeSet<_> = list.as_array().unwrap().iter().map(handle).collect();
        assert_eq!(listed, expected);
    }
}

pub(crate) async fn s_070_both_list_exactly_what_lives(place: &Place) {
    let pair = Pair::start(place, &[]).await;
    let first = pair.signed_in(0, "ada").await;
    check(&pair, &[&first]).await;
    let mut second = pair.signed_in(1, "ada").await;
    let mut third = pair.signed_in(0, "ada").await;
    check(&pair, &[&first, &second, &third]).await;

    second = pair.moved(&second, 0);
    second.does("/cycle", "").await;
    check(&pair, &[&first, &second, &third]).await;
    third = pair.moved(&third, 1);
    third.does("/sign-in", r#"{"subject":"bob"}"#).await;
    check(&pair, &[&first, &second]).await;
    check(&pair, &[&third]).await;
    third = pair.moved(&third, 0);
    third.does("/sign-in", r#"{"subject":"ada"}"#).await;
    check(&pair, &[&first, &second, &third]).await;
    second.does("/sign-out", "").await;
    check(&pair, &[&first, &third]).await;

    third.does("/max-age", r#"{"seconds":1}"#).await;
    while third.session().await["exists"] == true {
        // Its deadline is in the time of the machine; asking is the only way to learn of it.
        tokio::task::yield_now().await;
    }
    check(&pair, &[&first]).await;
    assert_eq!(pair.revoke(1, "ada").await, 1);
    assert!(!pair.is_alive(&first).await);
}

pub(crate) async fn s_071_a_handle_of_the_other_process_names_a_session_and_no_foreign_one(
    place: &Place,
) {
    let pair = Pair::start(place, &[]).await;
    let mut laptop = pair.signed_in(0, "ada").await;
    let mut phone = pair.visitor(1);
    phone.does("/sign-in", r#"{"subject":"ada","label":"phone"}"#).await;
    let bob = pair.signed_in(1, "bob").await;

    let list = laptop.get("/devices").await.json();
    let of_phone = list.as_array().unwrap().iter().find(|device| device["label"] == "phone");
    let of_phone = of_phone.unwrap()["handle"].as_str().unwrap().to_owned();
    assert_eq!(of_phone, handle(&phone).await);

    let of_bob = handle(&bob).await;
    for n in 0..2 {
        let answer = pair.moved(&laptop, n).delete(&format!("/devices/{of_bob}")).await;
        assert_eq!(answer.status, 404);
    }
    assert!(pair.is_alive(&bob).await && pair.is_alive(&phone).await);

    let path = format!("/devices/{of_phone}");
    assert_eq!(laptop.delete(&path).await.status, 204);
    assert!(!pair.is_alive(&phone).await);
    assert_eq!(phone.session().await["absence"], json!("revoked"));
    for n in 0..2 {
        assert_eq!(pair.moved(&laptop, n).delete(&path).await.status, 404);
    }
    assert!(pair.is_alive(&laptop).await);
}
