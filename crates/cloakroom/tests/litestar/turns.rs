//! Both sides of a session in turn, on a real Litestar application.

use cloakroom::Absence;
use serde_json::json;

use crate::side::{LAYOUTS, start, start_in};

#[tokio::test]
async fn what_one_side_makes_the_other_reads_in_every_layout() {
    for (layout, namespace, prefix) in LAYOUTS {
        let Some(mut sides) = start_in(layout, namespace) else { return };
        sides.litestar.does("/set", r#"{"theirs":1}"#).await;
        assert_eq!(sides.data().await, json!({"theirs": 1}), "{layout} {namespace}");
        sides.does(|session| session.insert("ours", &2).unwrap()).await;
        let both = json!({"theirs": 1, "ours": 2});
        assert_eq!(sides.litestar.get("/session").await.json(), both, "{layout} {namespace}");

        sides.litestar.cookie = None;
        sides.does(|session| session.insert("made", "here").unwrap()).await;
        assert_eq!(sides.litestar.get("/session").await.json(), json!({"made": "here"}));
        sides.litestar.does("/set", r#"{"more":[1,"x",null]}"#).await;
        assert_eq!(sides.data().await, json!({"made": "here", "more": [1, "x", null]}));

        let key = format!("{prefix}{}", sides.id());
        let left = sides.server.cli(&["TTL", &key]).unwrap();
        assert!((1_209_590..=1_209_600).contains(&left.trim().parse::<u32>().unwrap()), "{left}");
    }
}

#[tokio::test]
async fn what_a_stricter_reader_refuses_survives_our_writes() {
    let Some(mut sides) = start() else { return };
    let odd = r#"{"":{"":[]},"big":123456789012345678901234567890,"f":1e22,"neg":-0.0,"u":"ü\u2028\u0001"}"#;
    sides.litestar.does("/replace", odd).await;
    sides.does(|session| session.insert("z", &1).unwrap()).await;
    let key = format!("LITESTAR:{}", sides.id());
    let kept = sides.server.cli(&["GET", &key]).unwrap();
    assert!(kept.contains(r#""big":123456789012345678901234567890,"f":1e22,"neg":-0.0"#), "{kept}");
    assert!(
        kept.starts_with(r#"{"":{"":[]},"#) && kept.trim_end().ends_with(r#""z":1}"#),
        "{kept}"
    );
    assert_eq!(sides.litestar.get("/session").await.json()["z"], 1);
}

/// What Litestar adopts or cannot read is no session here, and locks nobody out.
#[tokio::test]
async fn b_034_b_035_broken_values_are_no_session_and_no_lock_out() {
    let Some(mut sides) = start() else { return };
    for (n, broken) in ["[1,2]", "null", "5", "{not json", "", "{} x"].iter().enumerate() {
        let id = format!("{n:064x}");
        sides.server.cli(&["SET", &format!("LITESTAR:{id}"), broken, "EX", "100"]).unwrap();
        sides.litestar.cookie = Some(format!("session={id}"));
        assert_eq!(sides.load().await.absence(), Some(Absence::Unknown), "{broken}");
        sides.does(|session| session.insert("a", &1).unwrap()).await;
        assert_ne!(sides.id(), id);
        assert_eq!(sides.litestar.get("/session").await.json(), json!({"a": 1}));
    }
}

/// Litestar's empty session is none here: no visitor without data is somebody.
#[tokio::test]
async fn b_001_b_010_an_empty_or_unknown_session_is_none() {
    let Some(mut sides) = start() else { return };
    sides.litestar.get("/session").await;
    assert!(sides.litestar.cookie.is_some());
    assert_eq!(sides.load().await.absence(), Some(Absence::Unknown));
    let adopted = sides.id().to_owned();
    sides.does(|session| session.insert("a", &1).unwrap()).await;
    assert_ne!(sides.id(), adopted);
}
