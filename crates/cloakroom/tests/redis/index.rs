//! The index of subjects: it never misses a session, and it shrinks.

use std::time::Duration;

use cloakroom::store::{Ended, Lookup, Updated};
use cloakroom::testkit::TestClock;
use cloakroom::{
    Record, RecordParts, RedisStore, RedisStoreBuilder, ServerSideSessionBackend,
    ServerSideSessionConfig, Store as _,
};
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

/// Whatever is next done with a session tells the index, should that have lost it: evicted, or deleted by hand.
#[tokio::test]
async fn s_070_an_entry_that_the_index_lost_is_there_again_after_a_write_or_a_renewal() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let mut raw = connection(&server.url()).await;
    let first = of_subject(1, "ada");
    create(&store, 1, &first).await;
    create(&store, 2, &of_subject(2, "ada")).await;
    let index = keys(&mut raw).await.into_iter().find(|key| key.contains(":u:")).unwrap();
    let lives: i64 = raw.pttl(&index).await.unwrap();
    for all in [true, false] {
        for way in ["update", "load", "touch"] {
            let _: usize = match all {
                true => raw.del(&index).await.unwrap(),
                false => raw.zrem(&index, handle(1).as_bytes()).await.unwrap(),
            };
            match way {
                "update" => {
                    let present = live(&store, 1, START).await.unwrap();
                    let next = of_subject(1, "ada");
                    let done = store.update(handle(1), next, present.revision(), START).await;
                    assert_eq!(done.unwrap(), Updated::Updated);
                }
                "load" => {
                    let found = store.load(handle(1), Some(&always()), after(1)).await.unwrap();
                    assert!(matches!(found, Lookup::Live(_)));
                }
                _ => assert!(store.touch(handle(1), after(102), START).await.unwrap()),
            }
            let listed = store.directory().unwrap().by_subject("ada", START).await.unwrap();
            assert!(listed.iter().any(|found| found.0 == handle(1)), "{way}, all: {all}");
            let now: i64 = raw.pttl(&index).await.unwrap();
            assert!(now > lives - 60_000, "{way}: the index lives for {now} of {lives} ms");
        }
    }
}

#[tokio::test]
async fn s_070_signing_out_everywhere_ends_a_session_that_the_index_had_lost() {
    let Some(server) = server() else { return };
    let mut raw = connection(&server.url()).await;
    let clock = TestClock::new();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let config = ServerSideSessionConfig::default().with_renew_on_access(true);
    let backend = ServerSideSessionBackend::new(store, config).unwrap().with_clock(clock.clone());
    for writes in [true, false] {
        let session = backend.load_from_connection([]).await.unwrap();
        session.sign_in("ada").unwrap();
        let (headers, outcome) = backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        let cookie = headers.set_cookie.unwrap();
        let cookie = cookie.split(';').next().unwrap().as_bytes();
        let index = keys(&mut raw).await.into_iter().find(|key| key.contains(":u:")).unwrap();
        assert_eq!(raw.del::<_, usize>(&index).await.unwrap(), 1);

        if !writes {
            // A tenth of its lifetime, so that reading renews it.
            clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
        }
        let session = backend.load_from_connection([cookie]).await.unwrap();
        assert!(session.exists());
        if writes {
            session.insert("n", &1).unwrap();
        }
        backend.store_in_message(&session, 200).await.1.unwrap();
        assert_eq!(backend.sessions().revoke_all("ada").await.unwrap(), 1, "writes: {writes}");
        assert!(!backend.load_from_connection([cookie]).await.unwrap().exists());
    }
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
