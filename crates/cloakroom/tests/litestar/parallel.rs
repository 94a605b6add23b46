//! Both sides of a session at once, on a real Litestar application.

use std::collections::BTreeMap;

use cloakroom::ServerSideSessionBackend;
use cloakroom::Session;
use serde_json::{Value, json};

use crate::kept::Monitor;
use crate::side::{slow_request, start, start_on_folder};

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

/// The same on a folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_050_twenty_writers_of_ours_lose_nothing_in_a_folder() {
    let Some(mut sides) = start_on_folder("plain") else { return };
    sides.litestar.does("/set", r#"{"n":0}"#).await;
    let mut writers = Vec::new();
    for key in 0..20 {
        writers.push(tokio::spawn(write(sides.ours.clone(), sides.load().await, key)));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let data = sides.litestar.get("/session").await.json();
    assert_eq!((data["n"].clone(), data.as_object().unwrap().len()), (json!(20), 21));
}

async fn write(backend: ServerSideSessionBackend, session: Session, key: u32) {
    session.update("n", |n: &mut u64| *n += 1).expect("it works");
    session.insert(&*format!("ours{key}"), &key).expect("it works");
    backend.store_in_message(&session, 200).await.1.expect("it works");
}

/// A value that was stored, by whom.
struct Write {
    ours: bool,
    data: BTreeMap<String, Value>,
}

/// The values of a key in the order that the server stored them.
fn writes(lines: &[String], key: &str) -> Vec<Write> {
    let mut all = Vec::new();
    for line in lines {
        let Some((_, arguments)) = line.split_once("] ") else { continue };
        let words: Vec<String> = serde_json::Deserializer::from_str(arguments)
            .into_iter()
            .collect::<Result<_, _>>()
            .unwrap_or_default();
        if words.len() > 2 && words[0].eq_ignore_ascii_case("set") && words[1] == key {
            let data = serde_json::from_str(&words[2]).expect("it works");
            all.push(Write { ours: line.contains(" lua] "), data });
        }
    }
    all
}

/// Writers on both sides at once. Each write of ours adds its own to what stood there at that moment and drops nothing, whoever
/// had written it; what Litestar writes is what it had read, so that it can drop what was written in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_050_writers_on_both_sides_and_none_of_ours_drops_anything() {
    let Some(mut sides) = start() else { return };
    sides.litestar.does("/set", r#"{"n":0}"#).await;
    let key = format!("LITESTAR:{}", sides.id());
    // Known here already, so that what follows is written by changes alone.
    drop(sides.load().await);
    let monitor = Monitor::of(&sides.server);
    let mut writers = Vec::new();
    for number in 0..20 {
        writers.push(tokio::spawn(write(sides.ours.clone(), sides.load().await, number)));
        let mut litestar = sides.litestar.clone();
        writers.push(tokio::spawn(async move {
            litestar.does("/set", &json!({format!("theirs{number}"): 1}).to_string()).await;
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let writes = writes(&monitor.lines(), &key);
    let ours = writes.iter().filter(|write| write.ours).count();
    assert_eq!((ours, writes.len()), (20, 40), "each was stored once");
    let mut before = BTreeMap::from([("n".to_owned(), json!(0))]);
    for write in writes {
        if write.ours {
            let n = before["n"].as_u64().unwrap();
            assert_eq!(write.data["n"].as_u64(), Some(n + 1));
            assert_eq!(write.data.len(), before.len() + 1);
            assert!(before.keys().all(|key| write.data.contains_key(key)));
        }
        before = write.data;
    }
    assert_eq!(sides.data().await, json!(before));
}
