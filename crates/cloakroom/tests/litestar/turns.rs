//! Both sides of a session in turn, on a real Litestar application.

use std::collections::BTreeMap;

use cloakroom::testkit::client::PATIENCE;
use cloakroom::{Absence, UnixMillis};
use serde_json::{Value, json};

use crate::side::{LAYOUTS, Sides, start, start_in, start_on_folder};

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

/// Starts a Litestar request that waits, and returns when it has loaded the session.
async fn slow_request(sides: &Sides) -> tokio::task::JoinHandle<Value> {
    let mut slow = sides.litestar.clone();
    sides.server.cli(&["CONFIG", "RESETSTAT"]).expect("it runs");
    let request = tokio::spawn(async move { slow.get("/slow?delay=700").await.json() });
    tokio::time::timeout(PATIENCE, async {
        while !sides
            .server
            .cli(&["INFO", "commandstats"])
            .expect("it runs")
            .contains("cmdstat_get:")
        {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it loads");
    request
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

#[tokio::test]
async fn a_thousand_random_steps_on_both_sides_of_a_redis_agree() {
    let Some(sides) = start() else { return };
    random_steps(sides).await;
}

#[tokio::test]
async fn a_thousand_random_steps_on_both_sides_of_a_folder_agree() {
    let Some(sides) = start_on_folder("plain") else { return };
    random_steps(sides).await;
}

async fn random_steps<K>(mut sides: Sides<K>) {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |n: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % n
    };
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-7),
        json!(u64::MAX),
        json!(1.5),
        json!(1e22),
        json!(""),
        json!("Zoë \u{1f98a} \" \\ / \u{7f}\u{2028}\n\u{1}"),
        json!([]),
        json!({}),
        json!([1, [2, {"x": null}]]),
        json!({"": "", "a": {"b": [false]}}),
    ];
    let keys = ["a", "b", "Ä", "long key with blanks", "d.e"];
    let mut model: BTreeMap<&str, &Value> = BTreeMap::new();
    for step in 0..1000 {
        let (key, value) = (keys[below(5) as usize], &values[below(13) as usize]);
        match below(12) {
            0..=3 => {
                model.insert(key, value);
                sides.litestar.does("/set", &json!({key: value}).to_string()).await;
            }
            4..=7 => {
                model.insert(key, value);
                sides.does(|session| session.insert(key, value).expect("it works")).await;
            }
            8 => {
                model.remove(key);
                sides.does(|session| _ = session.remove(key).expect("it works")).await;
            }
            9 => {
                model = BTreeMap::from([(key, value)]);
                sides.litestar.does("/replace", &json!(model).to_string()).await;
            }
            10 if below(4) == 0 => {
                model.clear();
                sides.does(|session| session.destroy().expect("it works")).await;
            }
            10 => sides.does(|session| session.cycle_id().expect("it works")).await,
            _ if below(4) == 0 => {
                model.clear();
                sides.litestar.does("/clear", "").await;
            }
            _ => drop(sides.load().await),
        }
        let expected = json!(model);
        assert_eq!(sides.data().await, expected, "step {step}, here");
        assert_eq!(sides.litestar.get("/session").await.json(), expected, "step {step}, there");
    }
}

#[tokio::test]
async fn b_094_a_shared_folder_holds_nothing_but_sessions_and_litestar_can_sweep_it() {
    for (layout, folder) in [("plain", "kept"), ("factory", "kept/sessions")] {
        let Some(mut sides) = start_on_folder(layout) else { return };
        sides.litestar.does("/set", r#"{"theirs":1}"#).await;
        assert_eq!(sides.data().await, json!({"theirs": 1}), "{layout}");
        sides.does(|session| session.sign_in("ada").unwrap()).await;
        sides.does(|session| session.insert("ours", &2).unwrap()).await;
        let both = json!({"theirs": 1, "ours": 2});
        assert_eq!(sides.litestar.get("/session").await.json(), both, "{layout}");
        assert_eq!(sides.load().await.subject().as_deref(), Some("ada"), "kept over its write");

        // One that expired long ago.
        let past = sides.ours.clone().with_clock(|| UnixMillis::from_millis(1));
        let session = past.load_from_connection([]).await.unwrap();
        session.insert("old", &1).unwrap();
        past.store_in_message(&session, 200).await.1.unwrap();

        let files: Vec<_> = std::fs::read_dir(sides.server.path().join(folder))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(files.len(), 2, "{layout}: {files:?}");
        assert!(files.iter().all(|name| name.len() == 64), "{layout}: {files:?}");
        sides.litestar.does("/sweep", "").await;
        assert_eq!(sides.data().await, both, "{layout}");
        assert_eq!(std::fs::read_dir(sides.server.path().join(folder)).unwrap().count(), 1);
    }
}

/// Also on a folder, what ended here stays ended here.
#[tokio::test]
async fn b_052_b_054_a_file_that_litestar_writes_back_is_removed_when_seen() {
    let Some(mut sides) = start_on_folder("plain") else { return };
    sides.litestar.does("/set", r#"{"a":1}"#).await;
    let handle = sides.load().await.handle().unwrap();
    let folder = sides.server.path().join("kept");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    assert!(sides.ours.sessions().revoke(handle).await.unwrap());
    assert!(!file.exists());
    // As a Litestar request that was under way does.
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(sides.litestar.get("/session").await.json(), json!({"a": 1}), "there it lives");
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
    assert!(!file.exists());
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
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
