//! What happens when the server, or the way to it, fails.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use cloakroom::store::{Ended, Lookup, Updated};
use cloakroom::testkit::conformance::s_076_histories_are_linearizable;
use cloakroom::{Error, ErrorKind, RedisStore, RedisStoreBuilder, Store as _};
use cloakroom_servers::{Proxy, RedisServer, Weather, required};
use redis::AsyncCommands as _;

use crate::commands::commands;
use crate::common::{
    START, after, connection, create, handle, live, of_subject, patient, record, recover, server,
};

/// A store whose calls may fail on a busy machine at any time; what is to work with it is asked for until it does.
fn impatient(port: u16) -> RedisStore {
    let url = format!("redis://127.0.0.1:{port}");
    let builder = RedisStoreBuilder::from_url(&url).expect("a URL");
    builder.with_timeout(Duration::from_millis(300)).build().expect("a store")
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.expect_err("the server cannot answer");
    assert_eq!((error.kind(), error.store()), (ErrorKind::Unavailable, Some("redis")), "{error}");
    assert!(!format!("{error} {error:?}").contains("127.0.0.1"), "{error:?}");
}

#[tokio::test]
async fn s_088_a_server_that_was_killed_and_started_again_has_what_it_acknowledged() {
    let Some(mut server) = required("redis-server", RedisServer::start_durable()) else { return };
    let store = patient(&server.url()).await;
    for round in 0..3 {
        let base = round * 100;
        for n in base..base + 20 {
            create(&store, n, &record(n)).await;
        }
        for n in base..base + 5 {
            assert!(store.delete(handle(n), Ended::Revoked, START).await.unwrap());
        }
        let killed = server.kill().unwrap();
        unavailable(store.load(handle(base), None, START).await);
        unavailable(store.create(handle(base + 50), record(1), START).await);
        server = killed.restart().unwrap();
        for n in base..base + 20 {
            assert_eq!(recover(&store, n).await.is_some(), n >= base + 5, "session {n}");
        }
    }
}

#[tokio::test]
async fn s_089_a_server_that_hangs_costs_the_timeout_and_no_more() {
    let Some(server) = server() else { return };
    let (store, patient) = (impatient(server.port()), patient(&server.url()).await);
    let made = record(1);
    create(&patient, 1, &made).await;
    assert!(recover(&store, 1).await.is_some());
    server.pause().unwrap();
    for _ in 0..3 {
        unavailable(store.load(handle(1), None, START).await);
    }
    unavailable(store.update(handle(1), record(2), made.revision(), START).await);
    unavailable(store.delete(handle(2), Ended::Destroyed, START).await);
    server.resume().unwrap();
    let found = recover(&store, 1).await.expect("nobody ended it");
    let updated = patient.update(handle(1), record(3), found.revision(), START).await.unwrap();
    assert_eq!(updated, Updated::Updated);
}

/// The write takes effect once, and is reported as unknown; its revision tells.
#[tokio::test]
async fn s_090_a_reply_that_is_lost_is_unavailable_and_the_write_is_there_once() {
    let Some(server) = server() else { return };
    let proxy = Proxy::start(server.port()).unwrap();
    let store = patient(&format!("redis://127.0.0.1:{}", proxy.port())).await;
    let direct = patient(&server.url()).await;
    let mut present = record(0);
    create(&store, 1, &present).await;
    // So that the server knows the scripts: the reply that is lost is to be that of the write.
    let unknown = record(0).revision();
    let outcome = direct.update(handle(1), record(0), unknown, START).await.unwrap();
    assert_eq!(outcome, Updated::Conflict);
    assert!(!direct.delete(handle(9), Ended::Destroyed, START).await.unwrap());
    for cut in 1..=20 {
        let next = record(cut);
        proxy.set(Weather::CutBeforeReply);
        unavailable(store.update(handle(1), next.clone(), present.revision(), START).await);
        assert_eq!(proxy.cuts(), cut);
        let found = live(&direct, 1, START).await.unwrap();
        assert_eq!(found.to_bytes(), next.to_bytes());
        // Without a pause: the next call connects anew.
        assert_eq!(recover(&store, 1).await.unwrap().to_bytes(), next.to_bytes());
        present = next;
    }
    proxy.set(Weather::CutBeforeReply);
    unavailable(store.delete(handle(1), Ended::Destroyed, START).await);
    assert!(live(&direct, 1, START).await.is_none());
    assert!(recover(&store, 1).await.is_none());
    proxy.set(Weather::CutBeforeReply);
    unavailable(store.create(handle(2), record(2), START).await);
    assert!(live(&direct, 2, START).await.is_some());
}

#[tokio::test]
async fn a_connection_that_is_dead_in_silence_is_replaced() {
    let Some(server) = server() else { return };
    let proxy = Proxy::start(server.port()).unwrap();
    let store = impatient(proxy.port());
    create(&patient(&server.url()).await, 1, &record(1)).await;
    assert!(recover(&store, 1).await.is_some());
    for weather in [Weather::Silent, Weather::NoReplies, Weather::Down] {
        proxy.set(weather);
        unavailable(store.load(handle(1), None, START).await);
        unavailable(store.load(handle(1), None, START).await);
        proxy.set(Weather::Fair);
        assert!(recover(&store, 1).await.is_some());
    }
    proxy.set(Weather::Slow(Duration::from_millis(20)));
    assert!(recover(&store, 1).await.is_some());
}

/// What was sent is carried out when the network goes on, after others have repeated it and ended the session.
#[tokio::test]
async fn s_050_a_create_that_is_late_brings_no_ended_session_back() {
    let Some(server) = server() else { return };
    let proxy = Proxy::start(server.port()).unwrap();
    let (late, direct) = (impatient(proxy.port()), patient(&server.url()).await);
    // So that the server knows the script, and the connection is there.
    create(&direct, 1, &record(1)).await;
    assert!(recover(&late, 1).await.is_some());
    let made = of_subject(2, "ada");
    proxy.set(Weather::Silent);
    unavailable(late.create(handle(2), made.clone(), START).await);
    create(&direct, 2, &made).await;
    assert!(direct.delete(handle(2), Ended::Revoked, START).await.unwrap());

    commands(&server);
    proxy.set(Weather::Fair);
    while !commands(&server).contains_key("evalsha") {
        tokio::task::yield_now().await;
    }
    let found = direct.load(handle(2), None, START).await.unwrap();
    assert!(matches!(found, Lookup::Absent(Some(Ended::Revoked))), "{found:?}");
    // Who has seen the end may begin anew under the handle, as a cleanup does with its lease.
    create(&direct, 2, &record(2)).await;
}

/// Nobody used the connection when the server closed it, so nobody has to pay for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_server_closed_meanwhile_costs_no_call() {
    let Some(server) = server() else { return };
    let proxy = Proxy::start(server.port()).unwrap();
    let store = patient(&format!("redis://127.0.0.1:{}", proxy.port())).await;
    for n in 0..10 {
        create(&store, n, &record(n)).await;
        assert_ne!(server.cli(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap().trim(), "0");
        // The store's end follows when it has noticed.
        proxy.wait_until_left();
    }
}

/// Polls a future a number of times, then drops it; what it gave until then.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
}

/// A hundred thousand loads are dropped at some point. Whoever asks next gets what belongs to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_078_no_answer_reaches_another() {
    const TASKS: u64 = 8;
    const ROUNDS: u64 = 12_500;
    let Some(server) = server() else { return };
    let store = patient(&server.url()).await;
    for n in 0..100 {
        create(&store, n, &record(n)).await;
    }
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let check = |n: u64, found: Result<Lookup, Error>| match found.expect("it works") {
                    Lookup::Live(found) => {
                        assert_eq!(found.data().get::<u64>("n").expect("a number"), Some(n));
                    }
                    Lookup::Absent(_) => panic!("session {n} is there"),
                };
                for round in 0..ROUNDS {
                    let n = (round * 7 + task * 13) % 100;
                    let times = (round % 9) as usize;
                    if let Some(found) = polled(store.load(handle(n), None, START), times).await {
                        check(n, found);
                    }
                    if round % 10 == 0 {
                        let n = (n + 50) % 100;
                        check(n, store.load(handle(n), None, START).await);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Writes that are dropped have taken effect as a whole, or not at all, or do so a moment later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_079_a_dropped_write_is_whole_or_nothing() {
    let Some(server) = server() else { return };
    let store = patient(&server.url()).await;
    let mut raw = connection(&server.url()).await;
    for round in 0..500 {
        let (before, next) = (record(round), record(round + 10_000));
        create(&store, round, &before).await;
        let update = store.update(handle(round), next.clone(), before.revision(), START);
        let _ = polled(update, (round % 12) as usize).await;
        let found = live(&store, round, START).await.unwrap().to_bytes();
        assert!(found == before.to_bytes() || found == next.to_bytes());
        let _ = polled(store.delete(handle(round), Ended::Destroyed, START), 4).await;
        let _ = store.touch(handle(round), after(500), START).await.unwrap();
    }
    let keys: Vec<String> = raw.keys("*").await.unwrap();
    for key in keys {
        assert!(raw.pttl::<_, i64>(&key).await.unwrap() > 0, "{key}");
    }
}

/// Ten thousand calls while connections are cut all the time, many just before an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_076_histories_under_faults_are_linearizable() {
    let Some(server) = server() else { return };
    let proxy = Arc::new(Proxy::start(server.port()).unwrap());
    let store = patient(&format!("redis://127.0.0.1:{}", proxy.port())).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let vandal = {
        let (proxy, is_over) = (proxy.clone(), is_over.clone());
        thread::spawn(move || {
            while !is_over.load(Ordering::SeqCst) {
                proxy.set(Weather::CutBeforeReply);
                thread::sleep(Duration::from_millis(5));
                proxy.set(Weather::Fair);
                thread::sleep(Duration::from_millis(5));
                proxy.cut();
            }
        })
    };
    s_076_histories_are_linearizable(store).await;
    is_over.store(true, Ordering::SeqCst);
    vandal.join().unwrap();
    assert!(proxy.cuts() > 20, "{} cuts", proxy.cuts());
}
