//! A server that dies or stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::store::{Created, Lookup, Store, Updated};
use cloakroom::{Error, ErrorKind};

use crate::records::{NOW, key, live, number, record};
use crate::setup::{on, server};
use crate::{Networked, or_skip};

/// Longer than a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls until one works: as often as there are connections that do not know yet that they were cut.
pub(crate) async fn works_again(store: &Networked, connections: usize) {
    for _ in 0..connections {
        if store.load(key(0), None, NOW).await.is_ok() {
            return;
        }
    }
    let _ = store.load(key(0), None, NOW).await.expect("connections are opened again");
}

/// Loads until the store answers in its time, which on a busy machine need not be at once.
async fn answered(store: &Networked, n: u8) -> u64 {
    let answer = async {
        loop {
            match store.load(key(n), None, NOW).await {
                Ok(Lookup::Live(found)) => return number(&found),
                Ok(Lookup::Absent(_)) => panic!("session {n} is lost"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, answer).await.expect("it answers again")
}

/// Counts up in one session, by compare-and-set, until it is told to stop. An error hides whether a step was
/// done: never anything else.
async fn count_up(store: Networked, n: u8, acknowledged: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let mut uncertain = 0;
    let mut done = 0;
    while !stop.load(Ordering::SeqCst) {
        let step = async {
            let Lookup::Live(found) = store.load(key(n), None, NOW).await? else {
                panic!("session {n} is lost")
            };
            let now = number(&found);
            assert!(
                (done..=done + uncertain).contains(&now),
                "{now} after {done}, {uncertain} unknown"
            );
            (done, uncertain) = (now, 1);
            let updated = store.update(key(n), record(now + 1), found.revision(), NOW).await?;
            assert_eq!(updated, Updated::Updated, "nobody else writes");
            (done, uncertain) = (now + 1, 0);
            acknowledged.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(())
        };
        if let Err(error) = step.await {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_max_connections(4).build().unwrap();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    for n in 0..4 {
        assert_eq!(store.create(key(n), record(0), NOW).await.unwrap(), Created::Created);
    }
    let tasks: Vec<_> = (0..4)
        .map(|n| tokio::spawn(count_up(store.clone(), n, acknowledged.clone(), stop.clone())))
        .collect();
    let reach = async |more: u64| {
        let goal = acknowledged.load(Ordering::SeqCst) + more;
        while acknowledged.load(Ordering::SeqCst) < goal && !tasks.iter().any(|it| it.is_finished())
        {
            tokio::task::yield_now().await;
        }
    };
    reach(50).await;
    let stopped = server.kill().unwrap();
    let error = store.load(key(0), None, NOW).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    let server = stopped.start().unwrap();
    // The same store, nothing built anew.
    reach(50).await;
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    let mut total = 0;
    for n in 0..4 {
        total += number(&live(&store, key(n), NOW).await.unwrap());
    }
    let known = acknowledged.load(Ordering::SeqCst);
    // One step of each may have been done without its reply.
    assert!((known..=known + 4).contains(&total), "{total} steps, {known} acknowledged");
    drop(server);
}

#[tokio::test]
async fn s_089_a_paused_server_fails_calls_in_time_and_serves_them_later() {
    let server = or_skip!(server(&[]).await);
    let builder = on(&server).with_max_connections(1).with_timeout(Duration::from_millis(200));
    let store = builder.build().unwrap();
    let patient = || on(&server).with_max_connections(1).with_timeout(PATIENCE).build().unwrap();
    let before = patient();
    for n in 0..4 {
        assert_eq!(
            before.create(key(n), record(u64::from(n)), NOW).await.unwrap(),
            Created::Created
        );
    }
    // So that its connection is there.
    assert_eq!(answered(&store, 0).await, 0);
    let paused = server.pause().unwrap();
    for n in 0..3 {
        let error = store.load(key(n), None, NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("200ms"), "{error}");
    }
    drop(paused);
    assert_eq!(number(&live(&patient(), key(3), NOW).await.unwrap()), 3);
    // No answer to what was asked during the pause reaches anyone.
    for n in [3, 0, 2, 1] {
        assert_eq!(answered(&store, n).await, u64::from(n));
    }
}
