//! Cases at the edges of time: lives of nothing, lives without end, and sweeps while a life is prolonged.
#![allow(
    clippy::missing_panics_doc,
    reason = "said once for all cases: to panic is what they are for"
)]

use std::sync::Arc;
use std::time::Duration;

use super::records::{HASH, MAX_AGE, START, UnwrapOk, handle, live, parts};
use crate::record::{Record, RecordParts};
use crate::store::{Created, Lookup, Renewal, Store};
use crate::time::UnixMillis;

const MILLISECOND: Duration = Duration::from_millis(1);

/// However little life remains, or however much, a record ends at its deadline: no rounding, and no value that
/// means "never".
pub async fn s_057_no_life_becomes_endless<S: Store>(store: S) {
    let until = |n, deadline| {
        let max_age = Duration::MAX;
        Record::from(RecordParts { idle_deadline: deadline, max_age, ..parts(n) })
    };
    for (n, left) in [(1, 1), (2, 400), (3, 999), (4, 1001), (5, 1500)] {
        let deadline = START.plus(MILLISECOND * left);
        let made = store.create(handle(n), until(n, deadline), START).await.unwrap_ok();
        assert_eq!(made, Created::Created);
        let before = deadline.minus(MILLISECOND);
        assert!(live(&store, handle(n), before).await.is_some(), "{left} ms are left");
        assert!(live(&store, handle(n), deadline).await.is_none(), "{left} ms are over");
    }
    // Created, or moved, to a moment that is now or has gone by.
    for (n, deadline) in [(10, START), (11, START.minus(MAX_AGE)), (12, UnixMillis::default())] {
        let _ = store.create(handle(n), until(n, deadline), START).await.unwrap_ok();
        assert!(live(&store, handle(n), START).await.is_none(), "created at its end");
        let made = store.create(handle(n + 10), parts(n).into(), START).await.unwrap_ok();
        assert_eq!(made, Created::Created);
        store.touch(handle(n + 10), deadline, START).await.unwrap_ok();
        assert!(live(&store, handle(n + 10), START).await.is_none(), "touched at its end");
        let late = START.plus(MAX_AGE);
        assert!(!store.touch(handle(n + 10), late, START).await.unwrap_ok(), "and not revived");
    }
    // The end of time ends it too, and a renewal by the longest life there is reaches no further.
    let end = UnixMillis::MAX;
    let made = store.create(handle(30), until(30, UnixMillis::from_millis(u64::MAX)), START).await;
    assert_eq!(made.unwrap_ok(), Created::Created);
    let renewal = Renewal::new(HASH, Some(Duration::ZERO));
    let last = end.minus(MILLISECOND);
    let found = store.load(handle(30), Some(&renewal), last).await.unwrap_ok();
    assert!(matches!(found, Lookup::Live(record) if record.expires_at() == end));
    assert!(live(&store, handle(30), end).await.is_none());
}

/// What is prolonged while a sweep runs lives, exactly if the call that prolonged it said so; no batch is larger
/// than asked for.
pub async fn s_061_a_sweep_spares_what_is_prolonged_meanwhile<S: Store>(store: S) {
    const SESSIONS: u64 = 10;
    let store = Arc::new(store);
    for round in 0..30_u32 {
        // Each round begins after the last one's sessions have ended.
        let start = START.plus(MAX_AGE * 3 * round);
        let deadline = start.plus(MAX_AGE);
        let handles: Vec<_> =
            (0..SESSIONS).map(|n| handle(u64::from(round) * SESSIONS + n)).collect();
        for &key in &handles {
            let made = RecordParts { created_at: start, idle_deadline: deadline, ..parts(1) };
            let made = store.create(key, made.into(), start).await.unwrap_ok();
            assert_eq!(made, Created::Created);
        }
        let sweeper = store.clone();
        let sweep = tokio::spawn(async move {
            for _ in 0..round % 4 {
                tokio::task::yield_now().await;
            }
            loop {
                let removed = sweeper.delete_expired(3, deadline).await.unwrap_ok();
                assert!(removed <= 3, "a batch of three, not of {removed}");
                if removed < 3 {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
        let prolong = |key| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..round / 4 % 4 {
                    tokio::task::yield_now().await;
                }
                // By a request whose clock was read just before the deadline.
                let now = deadline.minus(MILLISECOND);
                store.touch(key, deadline.plus(MAX_AGE), now).await.unwrap_ok()
            })
        };
        let prolonged: Vec<_> = handles.iter().map(|&key| (key, prolong(key))).collect();
        sweep.await.expect("no panic");
        for (key, prolonged) in prolonged {
            let prolonged = prolonged.await.expect("no panic");
            let lives = live(&*store, key, deadline).await.is_some();
            assert_eq!(lives, prolonged, "round {round}");
        }
    }
}
