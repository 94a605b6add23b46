//! One side after the other.

use serde_json::{Value, json};

use crate::process::Process;
use crate::sides::{IN_FOLDERS, ON_REDIS, Sides, in_folder, on_redis};

#[tokio::test]
async fn each_layout_of_keys_is_shared() {
    for layout in ON_REDIS {
        let Some(sides) = on_redis(layout).await else { return };
        each_reads_what_the_other_does(sides, |id| format!("{}{id}", layout.place)).await;
    }
}

#[tokio::test]
async fn each_layout_of_folders_is_shared() {
    for layout in IN_FOLDERS {
        let Some(sides) = in_folder(layout).await else { return };
        each_reads_what_the_other_does(sides, |_| String::new()).await;
    }
}

/// `key` is where Litestar keeps an ID, if its place says so.
async fn each_reads_what_the_other_does(mut sides: Sides, key: impl Fn(&str) -> String) {
    let where_it_is = |sides: &Sides| {
        let kept = sides.kept();
        assert_eq!(kept.len(), 1, "{kept:?}");
        let key = key(sides.browser.cookie.as_ref().unwrap().strip_prefix("session=").unwrap());
        assert!(key.is_empty() || key == kept[0], "{kept:?}");
    };
    // Made there, changed here, changed there.
    sides.browser.does_there("/set", r#"{"theirs":1,"more":true}"#).await;
    sides.browser.check(json!({"theirs": 1, "more": true})).await;
    where_it_is(&sides);
    sides.browser.does_here("/set", r#"{"ours":[1,{"x":null}]}"#).await;
    sides.browser.check(json!({"theirs": 1, "more": true, "ours": [1, {"x": null}]})).await;
    sides.browser.does_there("/set", r#"{"theirs":2}"#).await;
    sides.browser.does_there("/remove/ours", "").await;
    sides.browser.check(json!({"theirs": 2, "more": true})).await;
    assert_eq!(sides.browser.here("DELETE", "/key/theirs", "").await.status, 204);
    sides.browser.check(json!({"more": true})).await;
    where_it_is(&sides);
    // Ended there.
    let kept = sides.browser.clone();
    sides.browser.does_there("/clear", "").await;
    assert_eq!(sides.kept(), [""; 0]);
    for browser in [&sides.browser, &kept] {
        assert_eq!(browser.session().await["exists"], false);
    }

    // Made here, changed there, changed here.
    sides.browser.cookie = None;
    sides.browser.does_here("/set", r#"{"made":"here"}"#).await;
    where_it_is(&sides);
    sides.browser.check(json!({"made": "here"})).await;
    sides.browser.does_there("/set", r#"{"Zoë":"\u2028 ü"}"#).await;
    sides.browser.does_here("/incr/n", "").await;
    sides.browser.check(json!({"made": "here", "Zoë": "\u{2028} ü", "n": 1})).await;
    // A sign-in is a new ID on both sides, and Litestar's writes keep who it is, unless they replace the object.
    let mut before = sides.browser.clone();
    sides.browser.does_here("/sign-in", r#"{"subject":"ada"}"#).await;
    assert_ne!(before.cookie, sides.browser.cookie);
    where_it_is(&sides);
    before.check_gone().await;
    sides.browser.does_there("/set", r#"{"n":2}"#).await;
    assert_eq!(sides.browser.session().await["subject"], "ada");
    sides.browser.does_there("/replace", r#"{"all":"new"}"#).await;
    sides.browser.check(json!({"all": "new"})).await;
    assert_eq!(sides.browser.session().await["subject"], Value::Null);
    // Ended here.
    let mut kept = sides.browser.clone();
    sides.browser.does_here("/sign-out", "").await;
    assert_eq!(sides.browser.cookie, None);
    kept.check_gone().await;
}

/// A change here leaves the values beside it as Litestar wrote them, byte for byte.
#[tokio::test]
async fn what_is_not_changed_here_is_not_touched() {
    let odd =
        r#"{"":{"":[]},"big":123456789012345678901234567890,"f":1e22,"neg":-0.0,"u":"ü\u2028"}"#;
    for sides in [on_redis(ON_REDIS[0]).await, in_folder(IN_FOLDERS[0]).await] {
        let Some(mut sides) = sides else { continue };
        sides.browser.does_there("/replace", odd).await;
        let theirs = sides.browser.there("GET", "/session", "").await.body;
        sides.browser.does_here("/set", r#"{"z":1}"#).await;
        let both = sides.browser.there("GET", "/session", "").await.body;
        assert_eq!(both, format!("{},\"z\":1}}", theirs.strip_suffix('}').unwrap()));
    }
}

/// When the last route has moved: what keeps the cookie's name and the store keeps the sessions.
#[tokio::test]
async fn stricter_settings_keep_what_both_sides_made() {
    for sides in [on_redis(ON_REDIS[0]).await, in_folder(IN_FOLDERS[0]).await] {
        let Some(mut sides) = sides else { continue };
        sides.browser.does_there("/set", r#"{"theirs":1}"#).await;
        sides.browser.does_here("/set", r#"{"ours":2}"#).await;
        let settings = ["preset=litestar", "secure=true", "absolute_timeout=1d", "rotate_every=1h"];
        let settings = settings.into_iter().flat_map(|setting| ["--set", setting]);
        let arguments: Vec<_> = ["--store", &sides.store].into_iter().chain(settings).collect();
        let strict = Process::start(&arguments).await;
        let mut visitor = strict.visitor();
        visitor.cookie = sides.browser.cookie.clone();
        assert_eq!(visitor.data().await, json!({"theirs": 1, "ours": 2}));
        let answer = visitor.post("/sign-in", r#"{"subject":"ada"}"#).await;
        let line = answer.set_cookie().unwrap();
        assert!(line.starts_with("session=") && line.ends_with("; Secure"), "{line}");
        let session = visitor.session().await;
        let lives =
            session["expires_at"].as_u64().unwrap() - session["created_at"].as_u64().unwrap();
        assert!(lives < 2 * 86_400_000, "{session}");
    }
}
