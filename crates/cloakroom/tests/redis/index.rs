//! The index of subjects: it never misses a session, and it shrinks.

use std::time::Duration;

use cloakroom::store::{Ended, Lookup, Updated};
use cloakroom::{Record, RecordParts, RedisStore, RedisStoreBuilder, Store as _};
use redis::AsyncCommands as _;

use crate::common::{
    START, after, always, connection, create, handle, keys, live, of_subject, parts, server, store,
};

async fn of(store: &RedisStore, subject: &str, seconds: u64) -> usize {
    let directory = store.directory().expect("it has one");
    directory.by_subject(subject, after(seconds)).await.expect("it works").len()
}

/// The entry of a session that is only read must not run out before the session does.
#[tokio::test]
async fn a_session_that_is_renewed_for_long_stays_in_the_index() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let mut raw = connection(&server.url()).await;
    create(&store, 1, &of_subject(1, "ada")).await;
    let index = keys(&mut raw).await.pop().unwrap();
    assert!(index.contains(":u:"), "{index}");
    for seconds in (0..2000).step_by(20) {
        let found = store.load(handle(1), Some(&always()), after(seconds)).await.unwrap();
        let Lookup::Live(record) = found else { panic!("it lives at {seconds}") };
        assert_eq!(record.idle_deadline(), after(seconds + 100));
        assert_eq!(of(&store, "ada", seconds).await, 1);
        let end: Option<f64> = raw.zscore(&index, handle(1).as_bytes()).await.unwrap();
        assert!(end.unwrap() >= after(seconds + 100).as_millis() as f64, "at {seconds}");
    }
}

#[tokio::test]
async fn a_touch_that_outlasts_the_entry_extends_it() {
    let Some(store) = store().await else { return };
    create(&store, 1, &of_subject(1, "ada")).await;
    assert!(store.touch(handle(1), after(100_000), START).await.unwrap());
    // Another sign-in takes out what the index need not know any more.
    let late = RecordParts { idle_deadline: after(99_000), ..of_subject(2, "ada").parts() };
    let created = store.create(handle(2), late.into(), after(98_000)).await.unwrap();
    assert_eq!(created, cloakroom::store::Created::Created);
    assert_eq!(of(&store, "ada", 98_000).await, 2);
}

#[tokio::test]
async fn the_absolute_deadline_bounds_the_entry() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let mut raw = connection(&server.url()).await;
    let record = RecordParts {
        absolute_deadline: Some(after(150)),
        subject: Some("ada".into()),
        ..parts(1)
    };
    create(&store, 1, &record.into()).await;
    let index = keys(&mut raw).await.pop().unwrap();
    for seconds in (0..150).step_by(10) {
        let found = store.load(handle(1), Some(&always()), after(seconds)).await.unwrap();
        assert!(matches!(found, Lookup::Live(_)), "{seconds}");
        let end: f64 = raw.zscore(&index, handle(1).as_bytes()).await.unwrap();
        assert_eq!(end, after(150).as_millis() as f64);
    }
    assert!(live(&store, 1, after(150)).await.is_none());
}

#[tokio::test]
async fn s_070_the_index_shrinks_on_destroy_and_expiry() {
    let Some(server) = server() else { return };
    let builder = RedisStoreBuilder::from_url(&server.url()).unwrap();
    let store = builder.with_slack(Duration::from_secs(60)).build().unwrap();
    let mut raw = connection(&server.url()).await;
    for n in 0..20 {
        create(&store, n, &of_subject(n, "ada")).await;
    }
    let index = keys(&mut raw).await.pop().unwrap();
    for n in 0..10 {
        assert!(store.delete(handle(n), Ended::Revoked, START).await.unwrap());
    }
    assert_eq!(of(&store, "ada", 0).await, 10);
    assert_eq!(raw.zcard::<_, usize>(&index).await.unwrap(), 10);
    // Whoever signs in next takes out what has expired.
    let late = RecordParts { idle_deadline: after(400), ..of_subject(99, "ada").parts() };
    let created = store.create(handle(99), late.into(), after(300)).await.unwrap();
    assert_eq!(created, cloakroom::store::Created::Created);
    assert_eq!(raw.zcard::<_, usize>(&index).await.unwrap(), 1);
    assert_eq!(of(&store, "ada", 300).await, 1);
}

#[tokio::test]
async fn a_change_of_subject_is_followed() {
    let Some(store) = store().await else { return };
    let first = of_subject(1, "ada");
    create(&store, 1, &first).await;
    let second = of_subject(1, "bob");
    let updated = store.update(handle(1), second.clone(), first.revision(), START).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    assert_eq!((of(&store, "ada", 0).await, of(&store, "bob", 0).await), (0, 1));
    let anonymous = Record::from(parts(1));
    let updated = store.update(handle(1), anonymous, second.revision(), START).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    assert_eq!(of(&store, "bob", 0).await, 0);
}

#[tokio::test]
async fn lists_of_thousands_are_whole() {
    let Some(store) = store().await else { return };
    let mut tasks = Vec::new();
    for task in 0..8 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for n in (0..3000).filter(|n| n % 8 == task) {
                create(&store, n, &of_subject(n, "ada")).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(of(&store, "ada", 0).await, 3000);
    let directory = store.directory().unwrap();
    assert_eq!(directory.count(START).await.unwrap(), 3000);
    let mut seen = Vec::new();
    while let page = directory.page(seen.last().copied(), 700, START).await.unwrap()
        && !page.is_empty()
    {
        seen.extend(page.iter().map(|found| found.0));
    }
    let mut all: Vec<_> = (0..3000).map(handle).collect();
    all.sort();
    assert_eq!(seen, all);
}
