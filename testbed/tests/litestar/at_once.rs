//! Both sides at the same time: what ours write is never lost to ours, and what Litestar's write can undo.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::sides::{Browser, IN_FOLDERS, ON_REDIS, Sides, in_folder, on_redis};

/// The tests on a Redis and on a folder.
macro_rules! on_both {
    ($($test:ident)*) => {
        mod redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(sides) = super::on_redis(super::ON_REDIS[0]).await {
                        super::$test(sides).await;
                    }
                }
            )*
        }

        mod folder {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(sides) = super::in_folder(super::IN_FOLDERS[0]).await {
                        super::$test(sides).await;
                    }
                }
            )*
        }
    };
}

on_both! {
    b_050_b_051_writers_here_lose_nothing_to_one_another_and_a_litestar_write_undoes_them
    b_050_a_request_under_way_here_keeps_what_litestar_writes_meanwhile
    b_052_what_ended_here_stays_ended_here_whatever_litestar_writes_back
    b_050_both_sides_write_at_once_and_nothing_is_written_twice
}

/// Increments here, all at once.
async fn increments(browser: &Browser, count: usize) {
    let mut requests = JoinSet::new();
    for _ in 0..count {
        let mut tab = browser.clone();
        requests.spawn(async move { tab.does_here("/incr/n", "").await });
    }
    requests.join_all().await;
}

async fn b_050_b_051_writers_here_lose_nothing_to_one_another_and_a_litestar_write_undoes_them(
    mut sides: Sides,
) {
    sides.browser.does_there("/set", r#"{"n":0,"cart":"full"}"#).await;
    let held = sides.held("reader").await;
    increments(&sides.browser, 20).await;
    assert_eq!(sides.browser.session().await["data"], json!({"n": 20, "cart": "full"}));
    // It only read, and began before; it writes back all that it read.
    assert_eq!(held.released().await, json!({"n": 0, "cart": "full"}));
    sides.browser.check(json!({"n": 0, "cart": "full"})).await;
    // From here on nothing of Litestar's is under way.
    increments(&sides.browser, 20).await;
    sides.browser.check(json!({"n": 20, "cart": "full"})).await;
}

async fn b_050_a_request_under_way_here_keeps_what_litestar_writes_meanwhile(mut sides: Sides) {
    sides.browser.does_there("/set", r#"{"n":1}"#).await;
    let mut tab = sides.browser.clone();
    let slow = tokio::spawn(async move { tab.does_here("/slow/ours?delay=500", "true").await });
    sides.browser.does_there("/set", r#"{"theirs":true}"#).await;
    slow.await.unwrap();
    sides.browser.check(json!({"n": 1, "ours": true, "theirs": true})).await;
}

async fn b_052_what_ended_here_stays_ended_here_whatever_litestar_writes_back(mut sides: Sides) {
    for (n, end) in ["/destroy", "/sign-out"].into_iter().enumerate() {
        sides.browser.cookie = None;
        sides.browser.does_there("/set", r#"{"secret":1}"#).await;
        let kept = sides.kept();
        let mut copy = sides.browser.clone();
        let held = sides.held(&format!("held-{n}")).await;
        sides.browser.does_here(end, "").await;
        assert_eq!(sides.kept(), [""; 0]);
        assert_eq!(held.released().await, json!({"secret": 1}));
        assert_eq!(sides.kept(), kept, "written back");
        // There it lives, until ours sees it.
        assert_eq!(copy.there("GET", "/session", "").await.json(), json!({"secret": 1}));
        assert_eq!(copy.session().await["exists"], false);
        assert_eq!(sides.kept(), [""; 0], "removed when it was seen");
        copy.check_gone().await;
        // What Litestar adopted is removed in its turn.
        assert_eq!(copy.session().await["exists"], false);
        assert_eq!(sides.kept(), [""; 0]);
    }
}

/// Which of the changes stay is Litestar's doing, request by request. None of ours fails, none is applied twice,
/// and afterwards both sides read the same and go on.
async fn b_050_both_sides_write_at_once_and_nothing_is_written_twice(mut sides: Sides) {
    sides.browser.does_there("/set", r#"{"n":0}"#).await;
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let mut tab = sides.browser.clone();
        requests.spawn(async move { tab.does_here("/push/list", &n.to_string()).await });
        let mut tab = sides.browser.clone();
        if n % 2 == 0 {
            requests.spawn(async move {
                tab.does_there("/set", &json!({format!("k{n}"): n}).to_string()).await;
            });
        }
    }
    requests.join_all().await;
    let mut data = sides.browser.session().await["data"].take();
    sides.browser.check(data.clone()).await;
    let list = data["list"].take();
    let list: Vec<_> = list.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let different: BTreeSet<_> = list.iter().collect();
    assert_eq!(different.len(), list.len(), "{list:?}");
    increments(&sides.browser, 20).await;
    assert_eq!(sides.browser.session().await["data"]["n"], 20);
    assert_eq!(sides.browser.there("GET", "/session", "").await.json()["n"], 20);
}
