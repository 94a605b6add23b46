//! What a call costs, and that it is one step whatever the server is set to.

use std::time::Duration;

use cloakroom::store::{Created, Directory, Ended, Lookup, Renewal, Store, Updated};
use cloakroom::testkit::conformance;
use cloakroom::{
    Record, RecordParts, ServerSideSessionBackend, ServerSideSessionConfig, Session, UnixMillis,
};
use cloakroom_servers::Proxy;

use crate::or_skip;
use crate::records::{HASH, MAX_AGE, NOW, key, live, number, record};
use crate::setup::{client, on, patient, server, with_options};

/// Statements in a log of all statements.
fn statements(log: &str) -> usize {
    log.lines().filter(|line| line.contains("execute <") || line.contains("statement: ")).count()
}

#[tokio::test]
async fn each_call_is_one_statement_if_it_does_what_it_is_for() {
    let server = or_skip!(server(&["log_statement = 'all'"]).await);
    let store = on(&server).with_max_connections(1).build().unwrap();
    store.check().await.unwrap();
    let mut before = statements(&server.log());
    let mut costs = |what: &str, expected| {
        let now = statements(&server.log());
        assert_eq!(now - before, expected, "{what}");
        before = now;
    };
    let first = record(1);
    let second = record(2);
    let due = Renewal::new(HASH, Some(Duration::ZERO));
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(store.create(key(1), first.clone(), NOW).await.unwrap(), Created::Created);
    costs("create", 1);
    assert_eq!(store.create(key(1), first.clone(), NOW).await.unwrap(), Created::Occupied);
    costs("create of a taken key", 3);
    let _ = store.load(key(1), None, NOW).await.unwrap();
    costs("load", 1);
    let _ = store.load(key(1), Some(&Renewal::new(HASH, None)), NOW).await.unwrap();
    costs("load with a renewal that is not due", 1);
    let found = store.load(key(1), Some(&due), later).await.unwrap();
    let Lookup::Live(found) = found else { panic!("it is live") };
    assert_eq!(found.idle_deadline(), later.plus(MAX_AGE));
    costs("load with a renewal", 1);
    let _ = store.load(key(9), Some(&due), later).await.unwrap();
    costs("load of nothing", 1);
    let updated = store.update(key(1), second.clone(), first.revision(), NOW).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    costs("update", 1);
    let updated = store.update(key(1), record(3), first.revision(), NOW).await.unwrap();
    assert_eq!(updated, Updated::Conflict);
    costs("update in conflict", 2);
    let updated = store.update(key(9), record(3), first.revision(), NOW).await.unwrap();
    assert_eq!(updated, Updated::Gone);
    costs("update of nothing", 2);
    assert!(store.touch(key(1), later.plus(MAX_AGE), NOW).await.unwrap());
    costs("touch", 1);
    assert!(store.delete(key(1), Ended::Destroyed, NOW).await.unwrap());
    costs("delete", 1);
    store.delete_expired(100, NOW).await.unwrap();
    costs("delete_expired", 1);
    store.by_subject("ada", NOW).await.unwrap();
    costs("by_subject", 1);
    store.page(None, 10, NOW).await.unwrap();
    costs("page", 1);
    store.count(NOW).await.unwrap();
    costs("count", 1);
}

/// The first use of a connection prepares; from then on a statement is parsed and planned no more.
#[tokio::test]
async fn prepared_statements_are_parsed_once_a_connection() {
    let server = or_skip!(server(&["log_min_duration_statement = 0"]).await);
    let builder = on(&server).with_max_connections(1).with_prepared_statements(true);
    let store = builder.build().unwrap();
    for _ in 0..5 {
        assert!(live(&store, key(1), NOW).await.is_none());
    }
    let log = server.log();
    let of_load =
        || log.lines().filter(|line| line.contains("FROM \"public\".\"cloakroom_sessions\""));
    assert_eq!(of_load().filter(|line| line.contains("parse s")).count(), 1);
    assert_eq!(of_load().filter(|line| line.contains("execute s")).count(), 5);
}

/// A transaction that writes takes a number; what is read takes none.
#[tokio::test]
async fn s_060_a_load_that_renews_nothing_writes_nothing() {
    let server = or_skip!(server(&["autovacuum = off"]).await);
    let store = on(&server).build().unwrap();
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    let beside = client(&server.url()).await;
    let next = async || {
        let row =
            beside.query_one("SELECT pg_snapshot_xmax(pg_current_snapshot())::text", &[]).await;
        row.unwrap().get::<_, String>(0)
    };
    let before = next().await;
    for n in 1..=100 {
        let now = NOW.plus(Duration::from_millis(n));
        let renewal = Renewal::new(HASH, None);
        assert!(matches!(store.load(key(1), Some(&renewal), now).await.unwrap(), Lookup::Live(_)));
        let _ = store.load(key(2), Some(&renewal), now).await.unwrap();
        let _ = store.load(key(1), None, now).await.unwrap();
    }
    assert_eq!(next().await, before);
    let renewal = Renewal::new(HASH, Some(Duration::ZERO));
    let _ = store.load(key(1), Some(&renewal), NOW.plus(Duration::from_secs(1))).await.unwrap();
    assert_ne!(next().await, before, "a renewal is seen");
}

/// Where another level is the default, statements that are rolled back are repeated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_101_another_isolation_level_changes_nothing() {
    for level in ["serializable", "repeatable\\%20read"] {
        let options = format!("%20-c%20default_transaction_isolation%3D{level}");
        let builder = async || with_options(&options).await;
        let store = or_skip!(builder().await).build().unwrap();
        conformance::racing_updates_lose_nothing(store).await;
        let store = or_skip!(builder().await).build().unwrap();
        conformance::s_050_racing_writers_do_not_resurrect(store).await;
        let store = or_skip!(builder().await).build().unwrap();
        conformance::concurrent_creates_have_one_winner(store).await;
    }
}

#[tokio::test]
async fn s_106_neither_time_zones_nor_2038_move_a_deadline() {
    let east = or_skip!(with_options("%20-c%20TimeZone%3DPacific/Kiritimati").await);
    let namespace = crate::setup::fresh("zone");
    let east = east.with_namespace(&namespace).build().unwrap();
    let west = or_skip!(with_options("%20-c%20TimeZone%3DPacific/Pago_Pago").await);
    let west = west.with_namespace(&namespace).build().unwrap();
    let late = UnixMillis::from_millis(4_000_000_000_000);
    for (n, created, deadline) in [
        (1, NOW, NOW.plus(MAX_AGE)),
        (2, NOW, late),
        (3, late, late.plus(MAX_AGE)),
        (4, NOW, UnixMillis::MAX),
    ] {
        let made = Record::from(RecordParts {
            created_at: created,
            idle_deadline: deadline,
            max_age: deadline.since(created).min(Duration::from_millis((1 << 40) - 1)),
            ..crate::records::parts(u64::from(n))
        });
        assert_eq!(east.create(key(n), made.clone(), created).await.unwrap(), Created::Created);
        let before = deadline.minus(Duration::from_millis(1));
        let found = live(&west, key(n), before).await.expect("live");
        assert_eq!(found.to_bytes(), made.to_bytes());
        assert_eq!(number(&found), u64::from(n));
        assert!(live(&west, key(n), deadline).await.is_none());
    }
    // A renewal ends where moments end.
    let renewal = Renewal::new(HASH, Some(Duration::ZERO));
    let end = UnixMillis::MAX.minus(Duration::from_millis(5));
    let long = RecordParts { idle_deadline: end, max_age: MAX_AGE, ..crate::records::parts(5) };
    assert_eq!(east.create(key(5), long.into(), NOW).await.unwrap(), Created::Created);
    let now = end.minus(Duration::from_millis(1));
    let found = west.load(key(5), Some(&renewal), now).await.unwrap();
    assert!(matches!(found, Lookup::Live(found) if found.idle_deadline() == UnixMillis::MAX));
}

/// Counted between the application and the server, which also sees what is no statement.
#[tokio::test]
async fn a_request_takes_as_many_round_trips_as_it_must() {
    let server = or_skip!(server(&[]).await);
    on(&server).build().unwrap().check().await.unwrap();
    let proxy = Proxy::start(server.port()).unwrap();
    let url = server.url().replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
    let builder = patient(&url).with_max_connections(1);
    let store = builder.with_prepared_statements(true).build().unwrap();
    let backend = ServerSideSessionBackend::new(store, ServerSideSessionConfig::default()).unwrap();
    let request = async |cookie: &str, change: &dyn Fn(&Session)| {
        let before = proxy.round_trips();
        let session = backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
        change(&session);
        let (headers, outcome) = backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        let line = headers.set_cookie.unwrap_or_default();
        (line.split(';').next().unwrap_or_default().to_owned(), proxy.round_trips() - before)
    };
    // A connection prepares each statement when it first needs it.
    for warm in [false, true] {
        let costs = |what: &str, trips, expected| {
            assert!(!warm || trips == expected, "{what}: {trips} round trips");
        };
        let (cookie, trips) = request("", &|session| session.insert("n", &0).unwrap()).await;
        costs("create", trips, 1);
        let (_, trips) = request(&cookie, &|session| {
            assert_eq!(session.get::<u64>("n").unwrap(), Some(0));
        })
        .await;
        costs("read", trips, 1);
        let (_, trips) = request(&cookie, &|session| session.insert("n", &1).unwrap()).await;
        costs("write", trips, 2);
        let (cookie, trips) = request(&cookie, &|session| session.cycle_id().unwrap()).await;
        costs("cycle", trips, 2);
        let (_, trips) = request(&cookie, &|session| session.destroy().unwrap()).await;
        costs("destroy", trips, 2);
    }
}
