//! What the server or the connection is set to changes nothing.

use std::time::Duration;

use cloakroom::store::{Created, Directory, Lookup, MysqlStore, Renewal, Store, Updated};
use cloakroom::testkit::conformance;
use cloakroom::{DataBuilder, Encoding, Record, RecordParts, UnixMillis};
use mysql_async::OptsBuilder;
use mysql_async::prelude::Queryable;

use crate::or_skip;
use crate::records::{HASH, MAX_AGE, NOW, key, live, number, parts, record};
use crate::setup::{client, fresh, on, opts, server};

/// A store whose connections are set so before the store has them.
fn set(opts: OptsBuilder, setting: &str) -> MysqlStore {
    let opts = opts.setup(vec![setting]);
    MysqlStore::from_opts(opts).with_namespace(fresh("set")).build().unwrap()
}

/// The levels that the suite as a whole does not run at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_101_another_isolation_level_changes_nothing() {
    for level in ["SERIALIZABLE", "READ UNCOMMITTED"] {
        let setting = format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}");
        let store = async || opts().await.map(|opts| set(opts, &setting));
        conformance::racing_updates_lose_nothing(or_skip!(store().await)).await;
        conformance::s_050_racing_writers_do_not_resurrect(or_skip!(store().await)).await;
        conformance::concurrent_creates_have_one_winner(or_skip!(store().await)).await;
    }
}

/// A server that cuts what does not fit, whose text is Latin-1, and whose statements commit nothing.
#[tokio::test]
async fn s_103_a_careless_server_cuts_nothing() {
    let settings = [
        "sql-mode=PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,ANSI_QUOTES",
        "character-set-server=latin1",
        "collation-server=latin1_swedish_ci",
        "autocommit=0",
    ];
    let server = or_skip!(server(&settings).await);
    let mut owner = client(&server.url()).await;
    let version: Option<String> = owner.query_first("SELECT VERSION()").await.unwrap();
    if version.unwrap().contains("MariaDB") {
        let mode = "SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',SIMULTANEOUS_ASSIGNMENT')";
        owner.query_drop(mode).await.unwrap();
    }
    let store = on(&server).build().unwrap();
    store.check().await.unwrap();
    for (n, length) in [(1, 65_535), (2, 65_536), (3, 65_537), (4, (1 << 20) - 100)] {
        for encoding in [Encoding::Json, Encoding::MessagePack] {
            let store = store.with_namespace(&fresh("size")).unwrap();
            let mut data = DataBuilder::new(encoding);
            data.insert("long", &"é\u{1F980}".repeat(length / 6)).unwrap();
            let subject = Some("å\u{1F980} ".into());
            let made = Record::from(RecordParts { data: data.build(), subject, ..parts(1) });
            assert_eq!(store.create(key(n), made.clone(), NOW).await.unwrap(), Created::Created);
            assert!(live(&store, key(n), NOW).await.unwrap().to_bytes() == made.to_bytes());
            assert_eq!(store.by_subject("å\u{1F980} ", NOW).await.unwrap().len(), 1);
        }
    }
    // It was committed, so that a connection of its own sees it.
    let other = on(&server).build().unwrap();
    assert_eq!(store.create(key(9), record(9), NOW).await.unwrap(), Created::Created);
    assert_eq!(number(&live(&other, key(9), NOW).await.unwrap()), 9);
}

/// Where a value does not fit after all, there is an error and no row.
#[tokio::test]
async fn s_103_what_does_not_fit_is_an_error() {
    let server = or_skip!(server(&["sql-mode="]).await);
    let store = on(&server).build().unwrap();
    let mut owner = client(&server.url()).await;
    owner.query_drop("ALTER TABLE cloakroom_sessions MODIFY data TEXT").await.unwrap();
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("long", &"x".repeat(65_536)).unwrap();
    let made = Record::from(RecordParts { data: data.build(), ..parts(1) });
    let error = store.create(key(1), made.clone(), NOW).await.unwrap_err();
    assert!(error.to_string().contains("cannot hold"), "{error}");
    assert!(live(&store, key(1), NOW).await.is_none());
    let short = record(1);
    assert_eq!(store.create(key(1), short.clone(), NOW).await.unwrap(), Created::Created);
    assert!(store.update(key(1), made, short.revision(), NOW).await.is_err());
    assert_eq!(live(&store, key(1), NOW).await.unwrap().to_bytes(), short.to_bytes());
    let error = store.check().await.unwrap_err();
    assert!(error.to_string().contains("the column `data`"), "{error}");
}

/// A packet that the server does not take.
#[tokio::test]
async fn s_103_a_session_larger_than_a_packet_is_an_error() {
    let server = or_skip!(server(&["max-allowed-packet=64K"]).await);
    let store = on(&server).build().unwrap();
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("long", &"x".repeat(100_000)).unwrap();
    let made = Record::from(RecordParts { data: data.build(), ..parts(1) });
    let error = store.create(key(1), made, NOW).await.unwrap_err();
    assert!(error.to_string().contains("max_allowed_packet"), "{error}");
    assert!(live(&store, key(1), NOW).await.is_none());
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
}

/// The suite runs both ways; here are the calls that change nothing because it is so already.
#[tokio::test]
async fn s_104_how_rows_are_counted_changes_nothing() {
    for found_rows in [false, true] {
        let opts = or_skip!(opts().await).client_found_rows(found_rows);
        let builder = MysqlStore::from_opts(opts).with_namespace(fresh("rows"));
        let store = builder.build().unwrap();
        let made = record(1);
        assert_eq!(store.create(key(1), made.clone(), NOW).await.unwrap(), Created::Created);
        let same = store.update(key(1), made.clone(), made.revision(), NOW).await.unwrap();
        assert_eq!(same, Updated::Updated, "{found_rows}");
        assert!(store.touch(key(1), made.idle_deadline(), NOW).await.unwrap(), "{found_rows}");
        let late = NOW.plus(MAX_AGE);
        assert!(!store.touch(key(1), late.plus(MAX_AGE), late).await.unwrap(), "{found_rows}");
        let again = store.create(key(1), made.clone(), late).await.unwrap();
        assert_eq!(again, Created::Created, "it was dead, and is the same: {found_rows}");
    }
}

#[tokio::test]
async fn s_106_neither_time_zones_nor_2038_move_a_deadline() {
    let namespace = fresh("zone");
    let at = async |zone: &str| {
        let opts = opts().await?.setup(vec![format!("SET SESSION time_zone = '{zone}'")]);
        let builder = MysqlStore::from_opts(opts).with_namespace(&namespace);
        Some(builder.build().unwrap())
    };
    let (east, west) = (or_skip!(at("+13:00").await), or_skip!(at("-11:00").await));
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
            ..parts(u64::from(n))
        });
        assert_eq!(east.create(key(n), made.clone(), created).await.unwrap(), Created::Created);
        let before = deadline.minus(Duration::from_millis(1));
        let found = live(&west, key(n), before).await.expect("live");
        assert_eq!(found.to_bytes(), made.to_bytes());
        assert!(live(&west, key(n), deadline).await.is_none());
    }
    // A renewal ends where moments end.
    let renewal = Renewal::new(HASH, Some(Duration::ZERO));
    let end = UnixMillis::MAX.minus(Duration::from_millis(5));
    let long = RecordParts { idle_deadline: end, max_age: MAX_AGE, ..parts(5) };
    assert_eq!(east.create(key(5), long.into(), NOW).await.unwrap(), Created::Created);
    let now = end.minus(Duration::from_millis(1));
    let found = west.load(key(5), Some(&renewal), now).await.unwrap();
    assert!(matches!(found, Lookup::Live(found) if found.idle_deadline() == UnixMillis::MAX));
}
