//! Both sides of a session in turn and at once, on a real Litestar application.

use cloakroom::Absence;
use serde_json::json;

use crate::side::{LAYOUTS, slow_request, start, start_in};

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

/// Our own requests lose nothing to one another, also where Litestar wrote in between.
#[tokio::test]
async fn b_050_our_changes_are_replayed_over_what_litestar_wrote() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"n":1}"#).await;
    let session = sides.load().await;
    session.insert("ours", &true).unwrap();
    sides.litestar.does("/set", r#"{"theirs":true}"#).await;
    sides.commit(&session).await;
    let all = json!({"n": 1, "ours": true, "theirs": true});
    assert_eq!(sides.data().await, all);
    assert_eq!(sides.litestar.get("/session").await.json(), all);
}

/// Where ours only changed data, a Litestar request that began before overwrites it: documented, and shown here.
#[tokio::test]
async fn b_051_a_litestar_request_that_began_before_overwrites_our_change() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"cart":0}"#).await;
    let request = slow_request(&sides).await;
    sides.does(|session| session.insert("cart", &99).unwrap()).await;
    assert_eq!(sides.data().await, json!({"cart": 99}));
    request.await.unwrap();
    assert_eq!(sides.data().await, json!({"cart": 0}));
}

/// Requests of ours lose nothing to one another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_050_twenty_writers_of_ours_lose_nothing() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"n":0}"#).await;
    let mut writers = Vec::new();
    for _ in 0..20 {
        let session = sides.load().await;
        session.update("n", |n: &mut u64| *n += 1).unwrap();
        let backend = sides.ours.clone();
        writers.push(tokio::spawn(async move { backend.store_in_message(&session, 200).await.1 }));
    }
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(sides.litestar.get("/session").await.json(), json!({"n": 20}));
}
