//! What lies in the table, and what happens when something else does.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom::store::{Created, Directory, Ended, Lookup, PostgresStore, Renewal, Store, Updated};
use cloakroom::{
    DataBuilder, Encoding, ErrorKind, PreviousSecret, Record, RecordParts, SecretHash, UnixMillis,
};
use tokio_postgres::types::ToSql;

use crate::or_skip;
use crate::records::{HASH, MAX_AGE, NOW, key, live, parts, record};
use crate::setup::{builder, fresh, shared_client, store};

/// A store, and the name of its namespace, by which its rows are found.
async fn named() -> Option<(PostgresStore, String)> {
    let namespace = fresh("rows");
    Some((builder().await?.with_namespace(&namespace).build().unwrap(), namespace))
}

async fn set(namespace: &str, assignment: &str) {
    let sql = format!("UPDATE cloakroom_sessions SET {assignment} WHERE namespace = $1");
    assert_eq!(shared_client().await.execute(&sql, &[&namespace]).await.unwrap(), 1);
}

async fn text(namespace: &str, expression: &str) -> Option<String> {
    let sql = format!("SELECT ({expression})::text FROM cloakroom_sessions WHERE namespace = $1");
    let parameters: [&(dyn ToSql + Sync); 1] = [&namespace];
    shared_client().await.query_one(&sql, &parameters).await.unwrap().get(0)
}

fn full(encoding: Encoding) -> Record {
    let mut data = DataBuilder::new(encoding);
    data.insert("name", "Ada \u{0}\u{1F980} \"'`;--\\").unwrap();
    data.insert("price", &0.1_f64).unwrap();
    data.insert("big", &u64::MAX).unwrap();
    data.insert("deep", &vec![vec![(); 3]; 3]).unwrap();
    Record::from(RecordParts {
        data: data.build(),
        absolute_deadline: Some(NOW.plus(MAX_AGE * 3)),
        authenticated_at: Some(NOW),
        secret_since: NOW.plus(Duration::from_secs(1)),
        previous_secret: Some(PreviousSecret {
            secret_hash: SecretHash::from_bytes([9; 32]),
            nonce: [3; 16],
            until: NOW.plus(Duration::from_secs(30)),
        }),
        subject: Some("ada".into()),
        labels: BTreeMap::from([("device".into(), "Fire\u{0}fox \"'\\".into())]),
        browser_session: true,
        ..parts(1)
    })
}

#[tokio::test]
async fn every_field_comes_back_and_data_is_readable() {
    let (store, namespace) = or_skip!(named().await);
    let made = full(Encoding::Json);
    assert_eq!(store.create(key(1), made.clone(), NOW).await.unwrap(), Created::Created);
    assert_eq!(live(&store, key(1), NOW).await.unwrap().to_bytes(), made.to_bytes());
    let document = String::from_utf8(made.data().to_document()).unwrap();
    assert_eq!(text(&namespace, "data").await, Some(document));
    assert_eq!(text(&namespace, "subject").await.as_deref(), Some("ada"));

    let packed = full(Encoding::MessagePack);
    let updated = store.update(key(1), packed.clone(), made.revision(), NOW).await.unwrap();
    assert_eq!(updated, cloakroom::store::Updated::Updated);
    assert_eq!(live(&store, key(1), NOW).await.unwrap().to_bytes(), packed.to_bytes());
    assert_eq!(text(&namespace, "data").await, None);
}

/// Someone who looks for a session can ask for what is in it.
#[tokio::test]
async fn data_in_json_can_be_queried() {
    let (store, namespace) = or_skip!(named().await);
    assert_eq!(store.create(key(1), record(41), NOW).await.unwrap(), Created::Created);
    assert_eq!(text(&namespace, "(data->>'n')::int + 1").await.as_deref(), Some("42"));
}

#[tokio::test]
async fn s_103_a_session_of_the_largest_size_is_not_cut() {
    let store = or_skip!(store().await);
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let mut data = DataBuilder::new(encoding);
        data.insert("long", &"x".repeat((1 << 20) - 20)).unwrap();
        let made = Record::from(RecordParts { data: data.build(), ..parts(1) });
        let name = fresh("test");
        let store = store.with_namespace(&name).unwrap();
        assert_eq!(store.create(key(1), made.clone(), NOW).await.unwrap(), Created::Created);
        assert!(live(&store, key(1), NOW).await.unwrap().to_bytes() == made.to_bytes());
    }
}

#[tokio::test]
async fn s_105_hostile_subjects_are_values() {
    let store = or_skip!(store().await);
    let hostile = [
        "'; DROP TABLE cloakroom_sessions; --",
        "\"ada\"",
        "`ada`",
        "ada\\",
        "$1",
        "%",
        "_",
        "ada",
        "Ada",
        "ada ",
        "\u{e5}da",
        "a\u{30a}da",
        "\u{1F980}",
    ];
    for (n, subject) in (0..).zip(hostile) {
        let made = RecordParts { subject: Some(subject.into()), ..parts(u64::from(n)) };
        assert_eq!(store.create(key(n), made.into(), NOW).await.unwrap(), Created::Created);
    }
    for (n, subject) in (0..).zip(hostile) {
        let found = store.by_subject(subject, NOW).await.unwrap();
        assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), [key(n)], "{subject}");
        assert_eq!(found[0].1.subject(), Some(subject));
    }
    // No text of PostgreSQL holds a NUL. A session refuses such a subject before.
    let made = RecordParts { subject: Some("a\0b".into()), ..parts(1) };
    let error = store.create(key(99), made.into(), NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(store.by_subject("a\0b", NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn s_087_rows_that_are_no_records_are_corrupt() {
    let (store, namespace) = or_skip!(named().await);
    let good = record(7);
    for damage in [
        "data = '[1]'",
        "data = '{\"n\":1,\"n\":2}'",
        "data = '3'",
        "data = ('{\"n\":' || repeat('[', 97) || repeat(']', 97) || '}')::json",
        "data = NULL, data_bytes = '\\xff'",
        "data = NULL, data_bytes = '\\x'",
        "labels = '3'",
        "labels = '{\"a\":1}'",
        "created_at = -1",
        "idle_deadline = -1",
        "absolute_deadline = -9223372036854775808",
        "max_age = -1",
    ] {
        let name = fresh("corrupt");
        let store = store.with_namespace(&name).unwrap();
        assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
        set(&name, damage).await;
        let error = store.load(key(1), None, NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
        // It hides no other session from a list, wherever it stands.
        assert_eq!(store.create(key(2), good.clone(), NOW).await.unwrap(), Created::Created);
        let page = store.page(None, 1, NOW).await.unwrap();
        assert_eq!(page.iter().map(|found| found.0).collect::<Vec<_>>(), [key(2)], "{damage}");
        assert!(store.page(Some(key(2)), 1, NOW).await.unwrap().is_empty());
        assert!(store.delete(key(1), Ended::Destroyed, NOW).await.unwrap(), "{damage}");
    }
    // A deadline later than its session's is not believed.
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    set(&namespace, "expires_at = 9223372036854775807").await;
    assert!(live(&store, key(1), NOW.plus(MAX_AGE)).await.is_none());
}

/// The sweep goes by it, and the server does not keep it in step.
#[tokio::test]
async fn every_write_keeps_the_indexed_minute_in_step() {
    let (store, namespace) = or_skip!(named().await);
    let check = async |what: &str| {
        let in_step = text(&namespace, "(expires_minute = expires_at / 60000)::text").await;
        assert_eq!(in_step.as_deref(), Some("true"), "{what}");
    };
    let later = NOW.plus(MAX_AGE / 2);
    let (first, second) = (record(1), record(2));
    assert_eq!(store.create(key(1), first.clone(), NOW).await.unwrap(), Created::Created);
    check("create").await;
    let longer =
        Record::from(RecordParts { idle_deadline: NOW.plus(MAX_AGE * 3), ..second.parts() });
    let updated = store.update(key(1), longer.clone(), first.revision(), NOW).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    check("update").await;
    assert!(store.touch(key(1), NOW.plus(MAX_AGE / 4), NOW).await.unwrap());
    check("touch").await;
    let due = Renewal::new(HASH, Some(Duration::ZERO));
    let _ = store.load(key(1), Some(&due), NOW.plus(MAX_AGE / 8)).await.unwrap();
    check("renewal").await;
    let over = Record::from(RecordParts { idle_deadline: NOW, ..record(3).parts() });
    let ended = store.update(key(1), over, longer.revision(), later).await.unwrap();
    assert_eq!(ended, Updated::Updated);
    check("update that ends").await;
    assert_eq!(store.create(key(1), record(4), later).await.unwrap(), Created::Created);
    check("create in the place of an ended session").await;
    assert!(store.delete(key(1), Ended::Destroyed, later).await.unwrap());
    check("delete").await;
}

/// Whoever writes into the table by hand may write any bytes; a walk goes past them.
#[tokio::test]
async fn a_handle_of_another_length_is_in_no_list() {
    let (store, namespace) = or_skip!(named().await);
    for n in [1, 2] {
        assert_eq!(store.create(key(n), record(1), NOW).await.unwrap(), Created::Created);
        let longer = "UPDATE cloakroom_sessions SET handle = handle || '\\x00' WHERE namespace = $1 AND handle = $2";
        if n == 1 {
            let handle = key(n);
            let parameters: [&(dyn ToSql + Sync); 2] = [&namespace, &&handle.as_bytes()[..]];
            assert_eq!(shared_client().await.execute(longer, &parameters).await.unwrap(), 1);
        }
    }
    let page = store.page(None, 1, NOW).await.unwrap();
    assert_eq!(page.iter().map(|found| found.0).collect::<Vec<_>>(), [key(2)]);
}

#[tokio::test]
async fn an_end_is_remembered_for_a_day_and_nothing_else() {
    let (store, namespace) = or_skip!(named().await);
    let day = Duration::from_secs(24 * 60 * 60);
    let why = async |now: UnixMillis| match store.load(key(1), None, now).await.unwrap() {
        Lookup::Live(_) => panic!("it has ended"),
        Lookup::Absent(why) => why,
    };
    assert_eq!(store.create(key(1), full(Encoding::Json), NOW).await.unwrap(), Created::Created);
    assert_eq!(why(NOW.plus(MAX_AGE * 3)).await, Some(Ended::Expired));
    assert!(store.delete(key(1), Ended::Revoked, NOW).await.unwrap());
    let kept = "num_nonnulls(revision, secret_hash, created_at, idle_deadline, max_age, absolute_deadline, \
                authenticated_at, secret_since, previous_hash, previous_nonce, previous_until, subject, labels, \
                browser_session, data, data_bytes)";
    assert_eq!(text(&namespace, kept).await.as_deref(), Some("0"));
    let last = NOW.plus(day).minus(Duration::from_millis(1));
    assert_eq!(why(last).await, Some(Ended::Revoked));
    assert_eq!(store.delete_expired(10, last).await.unwrap(), 0);
    assert_eq!(why(NOW.plus(day)).await, None);
    assert_eq!(store.delete_expired(10, NOW.plus(day)).await.unwrap(), 1);
    // A word of a later version explains nothing.
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    assert!(store.delete(key(1), Ended::Reused, NOW).await.unwrap());
    set(&namespace, "ended = 'abducted'").await;
    assert_eq!(why(NOW).await, None);
}

#[tokio::test]
async fn an_end_need_not_be_remembered() {
    let store = or_skip!(builder().await).with_remembered_ends(Duration::ZERO).build().unwrap();
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    assert!(store.delete(key(1), Ended::Revoked, NOW).await.unwrap());
    assert!(matches!(store.load(key(1), None, NOW).await.unwrap(), Lookup::Absent(None)));
    assert_eq!(store.delete_expired(10, NOW).await.unwrap(), 1);
}

/// S-61: what is locked is left out, and what was renewed meanwhile stays.
#[tokio::test]
async fn s_061_a_sweep_spares_what_is_renewed_meanwhile() {
    let (store, namespace) = or_skip!(named().await);
    for n in 1..=3 {
        assert_eq!(store.create(key(n), record(1), NOW).await.unwrap(), Created::Created);
    }
    let late = NOW.plus(MAX_AGE);
    let mut renewing = shared_client().await;
    let transaction = renewing.transaction().await.unwrap();
    let sql = "UPDATE cloakroom_sessions SET idle_deadline = idle_deadline + 1000, \
               expires_at = expires_at + 1000 WHERE namespace = $1 AND handle = $2";
    let handle = key(2);
    let handle = &handle.as_bytes()[..];
    assert_eq!(transaction.execute(sql, &[&namespace, &handle]).await.unwrap(), 1);
    // It neither waits for the other nor removes its row.
    assert_eq!(store.delete_expired(10, late).await.unwrap(), 2);
    transaction.commit().await.unwrap();
    assert_eq!(store.delete_expired(10, late).await.unwrap(), 0);
    assert!(live(&store, key(2), late).await.is_some());
}

/// Another create has the key, and is not committed when ours begins.
#[tokio::test]
async fn a_create_that_waits_for_another_finds_what_that_left() {
    let (store, namespace) = or_skip!(named().await);
    let insert = "INSERT INTO cloakroom_sessions (namespace, handle, ended, expires_at, expires_minute, revision, \
                  secret_hash, created_at, idle_deadline, max_age, secret_since, browser_session, data) \
                  VALUES ($1, $2, NULL, $3, 0, 1, sha256(''), 0, $3, 1, 0, false, '{}')";
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ON CONFLICT DO NOTHING%'";
    let beside = shared_client().await;
    for (n, expires_at, commits, expected) in [
        (1, NOW.plus(MAX_AGE), true, Created::Occupied),
        (2, NOW.plus(MAX_AGE), false, Created::Created),
        (3, NOW, true, Created::Created),
    ] {
        let mut first = shared_client().await;
        let transaction = first.transaction().await.unwrap();
        let (handle, expires_at) = (key(n), expires_at.as_millis() as i64);
        let parameters: [&(dyn ToSql + Sync); 3] =
            [&namespace, &&handle.as_bytes()[..], &expires_at];
        transaction.execute(insert, &parameters).await.unwrap();
        let create = tokio::spawn({
            let store = store.clone();
            async move { store.create(key(n), record(5), NOW).await.unwrap() }
        });
        while beside.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        assert_eq!(create.await.unwrap(), expected, "session {n}");
    }
}

#[tokio::test]
async fn a_sweep_of_any_size_works_in_batches() {
    let (store, namespace) = or_skip!(named().await);
    assert_eq!(store.create(key(0), record(1), NOW).await.unwrap(), Created::Created);
    let sql = "INSERT INTO cloakroom_sessions (namespace, handle, ended, expires_at, expires_minute) \
               SELECT $1, decode(lpad(to_hex(n), 32, '0'), 'hex'), 'destroyed', n, 0 \
               FROM generate_series(1, 2500) AS n";
    shared_client().await.execute(sql, &[&namespace]).await.unwrap();
    assert_eq!(store.delete_expired(1200, NOW).await.unwrap(), 1200);
    assert_eq!(store.delete_expired(usize::MAX, NOW).await.unwrap(), 1300);
    assert!(live(&store, key(0), NOW).await.is_some());
}
