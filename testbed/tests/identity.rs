//! Whose a session is, which secret proves it, how long it lasts, and how it ends.

mod site;

use std::time::Duration;

use serde_json::{Value, json};

#[tokio::test]
async fn cycle_changes_the_cookie_and_not_the_session() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let before = visitor.session().await;
    let mut old = visitor.clone();

    visitor.does("/cycle", "").await;

    assert_ne!(visitor.cookie, old.cookie);
    assert_eq!(visitor.session().await["handle"], before["handle"]);
    assert_eq!(visitor.data().await, json!({"a": 1}));
    assert_eq!(old.session().await["absence"], "unknown");
}

#[tokio::test]
async fn sign_in_binds_changes_the_cookie_and_keeps_the_cart() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"cart":[1]}"#).await;
    let mut before = visitor.clone();

    visitor.does("/sign-in", r#"{"subject":"ada","label":"laptop"}"#).await;

    let session = visitor.session().await;
    assert_eq!((&session["subject"], &session["data"]), (&json!("ada"), &json!({"cart": [1]})));
    assert_ne!(visitor.cookie, before.cookie);
    assert_eq!(before.session().await["absence"], "unknown");

    let answer = visitor.post("/sign-out", "").await;
    assert_eq!((answer.status, answer.expires_cookie()), (204, true));
    assert_eq!(testbed.live().await, 0);
}

#[tokio::test]
async fn a_refused_sign_in_signs_nobody_in() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let long = "l".repeat(1000);
    for (body, status) in [
        (json!({"subject": "ada", "label": long}), 413),
        (json!({"subject": long}), 413),
        (json!({"subject": ""}), 400),
        (json!({"subject": "ada", "label": ""}), 400),
        (json!({"label": "laptop"}), 400),
        (json!({"subject": 7}), 400),
    ] {
        let answer = visitor.post("/sign-in", &body.to_string()).await;
        assert_eq!(answer.error().0, status, "{body}");
        assert_eq!(visitor.session().await["subject"], Value::Null, "{body}");
    }
    // The label of one that was refused for its subject is not that of the next.
    let refused = json!({"subject": "", "label": "laptop"}).to_string();
    assert_eq!(visitor.post("/sign-in", &refused).await.error().0, 400);
    visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    assert_eq!(visitor.get("/devices").await.json()[0]["label"], Value::Null);
}

#[tokio::test]
async fn max_age_is_of_this_session_alone() {
    let testbed = site::start().await;
    let (mut short, mut other) = (testbed.visitor(), testbed.visitor());
    for visitor in [&mut short, &mut other] {
        visitor.does("/set", r#"{"a":1}"#).await;
    }

    let answer = short.post("/max-age", r#"{"seconds":60}"#).await;
    assert_eq!(answer.status, 204);
    assert!(answer.set_cookie().unwrap().contains("Max-Age=60"), "{answer:?}");
    // Later writes keep it.
    testbed.clock.advance(Duration::from_secs(30));
    let answer = short.post("/set", r#"{"b":1}"#).await;
    assert!(answer.set_cookie().unwrap().contains("Max-Age=60"), "{answer:?}");

    let answer = other.post("/max-age", r#"{"seconds":null}"#).await;
    assert!(!answer.set_cookie().unwrap().contains("Max-Age"), "{answer:?}");

    testbed.clock.advance(Duration::from_secs(61));
    assert_eq!(short.session().await["absence"], "expired");
    assert_eq!(other.session().await["exists"], true);
}

#[tokio::test]
async fn max_age_refuses_what_is_no_lifetime() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    for (body, status) in [
        (r#"{"seconds":0}"#, 400),
        (r#"{"seconds":-1}"#, 400),
        (r#"{"seconds":"1h"}"#, 400),
        ("{}", 400),
        (r#"{"seconds":99999999}"#, 413),
    ] {
        let answer = visitor.post("/max-age", body).await;
        assert_eq!((answer.error().0, answer.set_cookie()), (status, None), "{body}");
    }
}

#[tokio::test]
async fn devices_lists_and_revokes_the_sessions_of_the_subject() {
    let testbed = site::start().await;
    let (mut laptop, mut phone, mut tablet) =
        (testbed.visitor(), testbed.visitor(), testbed.visitor());
    let mut bob = testbed.visitor();
    laptop.does("/sign-in", r#"{"subject":"ada","label":"laptop"}"#).await;
    testbed.clock.advance(Duration::from_secs(1));
    phone.does("/sign-in", r#"{"subject":"ada"}"#).await;
    bob.does("/sign-in", r#"{"subject":"bob","label":"laptop"}"#).await;

    let (first, second) = (laptop.session().await, phone.session().await);
    assert_eq!(
        laptop.get("/devices").await.json(),
        json!([
            {"handle": first["handle"], "current": true, "label": "laptop",
             "created_at": first["created_at"], "last_seen_at": first["created_at"]},
            {"handle": second["handle"], "current": false, "label": null,
             "created_at": second["created_at"], "last_seen_at": second["created_at"]},
        ])
    );

    let device = |session: &Value| format!("/devices/{}", session["handle"].as_str().unwrap());
    assert_eq!(bob.delete(&device(&second)).await.status, 404, "not one of bob's");
    assert_eq!(laptop.delete(&device(&second)).await.status, 204);
    assert_eq!(laptop.delete(&device(&second)).await.status, 404, "gone already");
    assert_eq!(laptop.delete("/devices/nonsense").await.error().0, 400);
    assert_eq!(phone.session().await["absence"], "revoked");

    for visitor in [&mut phone, &mut tablet] {
        visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
    }
    let answer = laptop.post("/devices/revoke-others", "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"revoked": 2})));
    assert_eq!(tablet.session().await["absence"], "revoked");
    assert_eq!(laptop.session().await["exists"], true);
    assert_eq!(bob.session().await["exists"], true);

    let answer = testbed.visitor().post("/subjects/bob/revoke", "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"revoked": 1})));
    assert_eq!(bob.session().await["absence"], "revoked");
}

#[tokio::test]
async fn devices_need_a_subject() {
    let testbed = site::start().await;
    let mut visitor = testbed.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    let own = visitor.session().await["handle"].as_str().unwrap().to_owned();
    assert_eq!(visitor.get("/devices").await.error().0, 401);
    assert_eq!(visitor.delete(&format!("/devices/{own}")).await.error().0, 401);
    assert_eq!(visitor.post("/devices/revoke-others", "").await.error().0, 401);
}
