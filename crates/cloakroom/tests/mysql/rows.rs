//! What lies in the table, and what happens when something else does.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom::store::{Created, Directory, Ended, Lookup, MysqlStore, Store, Updated};
use cloakroom::{
    DataBuilder, Encoding, ErrorKind, PreviousSecret, Record, RecordParts, SecretHash,
    SessionHandle, UnixMillis,
};
use mysql_async::TxOpts;
use mysql_async::prelude::Queryable;

use crate::or_skip;
use crate::records::{MAX_AGE, NOW, key, live, parts, record};
use crate::setup::{builder, fresh, numbers, shared_client, store};

/// A store, and the name of its namespace, by which its rows are found.
async fn named() -> Option<(MysqlStore, String)> {
    let namespace = fresh("rows");
    Some((builder().await?.with_namespace(&namespace).build().unwrap(), namespace))
}

async fn set(namespace: &str, assignment: &str) {
    let mut client = shared_client().await;
    let sql = format!("UPDATE cloakroom_sessions SET {assignment} WHERE namespace = ?");
    client.exec_drop(sql, (namespace,)).await.unwrap();
    assert_eq!(client.affected_rows(), 1);
}

async fn text(namespace: &str, expression: &str) -> Option<String> {
    let sql =
        format!("SELECT CAST({expression} AS CHAR) FROM cloakroom_sessions WHERE namespace = ?");
    let found: Option<Option<String>> =
        shared_client().await.exec_first(sql, (namespace,)).await.unwrap();
    found.expect("a row")
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
        // Bytes that are no text, and such as stand for an end or a blank.
        secret_hash: SecretHash::from_bytes([0xff; 32]),
        previous_secret: Some(PreviousSecret {
            secret_hash: SecretHash::from_bytes([0x20; 32]),
            nonce: [0; 16],
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
    assert_eq!(updated, Updated::Updated);
    assert_eq!(live(&store, key(1), NOW).await.unwrap().to_bytes(), packed.to_bytes());
    assert_eq!(text(&namespace, "data").await, None);
    // All 64 bits of a revision.
    let last = cloakroom::Revision::from_u64(u64::MAX);
    let next = Record::from(RecordParts { revision: last, ..parts(2) });
    let updated = store.update(key(1), next.clone(), packed.revision(), NOW).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    let updated = store.update(key(1), record(3), last, NOW).await.unwrap();
    assert_eq!(updated, Updated::Updated);
}

/// Someone who looks for a session can ask for what is in it.
#[tokio::test]
async fn data_in_json_can_be_queried() {
    let (store, namespace) = or_skip!(named().await);
    assert_eq!(store.create(key(1), record(41), NOW).await.unwrap(), Created::Created);
    assert_eq!(text(&namespace, "JSON_VALUE(data, '$.n') + 1").await.as_deref(), Some("42"));
}

/// Keys that are one text where letters are folded, blanks at the end cut, or accents dropped.
#[tokio::test]
async fn s_102_a_key_is_found_by_its_own_bytes_alone() {
    let store = or_skip!(store().await);
    let stored = *b"abcdefghijklmn  ";
    let handle = SessionHandle::from_bytes;
    assert_eq!(store.create(handle(stored), record(1), NOW).await.unwrap(), Created::Created);
    for other in [
        *b"ABCDEFGHIJKLMN  ",
        *b"Abcdefghijklmn  ",
        *b"abcdefghijklmn\0\0",
        *b"abcdefghijklmn \0",
        *b"abcdefghijklmn\t ",
        *b" abcdefghijklmn ",
        "\u{e5}bcdefghijklm  ".as_bytes().try_into().unwrap(),
        "\u{e1}bcdefghijklm  ".as_bytes().try_into().unwrap(),
    ] {
        let other = handle(other);
        assert!(live(&store, other, NOW).await.is_none());
        assert!(!store.touch(other, NOW.plus(MAX_AGE * 2), NOW).await.unwrap());
        assert!(!store.delete(other, Ended::Destroyed, NOW).await.unwrap());
        // Each is a key of its own.
        assert_eq!(store.create(other, record(2), NOW).await.unwrap(), Created::Created);
    }
    assert_eq!(crate::records::number(&live(&store, handle(stored), NOW).await.unwrap()), 1);
}

#[tokio::test]
async fn s_105_hostile_subjects_are_values() {
    let store = or_skip!(store().await);
    let long = "x".repeat(300);
    let longer = format!("{long}y");
    let hostile = [
        "'; DROP TABLE cloakroom_sessions; --",
        "\"ada\"",
        "`ada`",
        "ada\\",
        "?",
        "%",
        "_",
        "ada",
        "Ada",
        "ada ",
        "ada\0",
        "a\0b",
        "\u{e5}da",
        "a\u{30a}da",
        "\u{1F980}",
        &long,
        &longer,
    ];
    for (n, subject) in (0..).zip(hostile) {
        let made = RecordParts { subject: Some(subject.into()), ..parts(u64::from(n)) };
        assert_eq!(store.create(key(n), made.into(), NOW).await.unwrap(), Created::Created);
    }
    for (n, subject) in (0..).zip(hostile) {
        let found = store.by_subject(subject, NOW).await.unwrap();
        assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), [key(n)], "{subject:?}");
        assert_eq!(found[0].1.subject(), Some(subject));
    }
    let longest = "x".repeat(65_535);
    let made = RecordParts { subject: Some(longest.as_str().into()), ..parts(1) };
    assert_eq!(store.create(key(99), made.into(), NOW).await.unwrap(), Created::Created);
    assert_eq!(store.by_subject(&longest, NOW).await.unwrap().len(), 1);
}

#[tokio::test]
async fn s_087_rows_that_are_no_records_are_corrupt() {
    let (store, namespace) = or_skip!(named().await);
    let good = record(7);
    for damage in [
        "data = '[1]'",
        "data = '{\"n\":1,\"n\":2}'",
        "data = '3'",
        "data = 'no JSON'",
        "data = ''",
        "data = CONCAT('{\"n\":', REPEAT('[', 97), REPEAT(']', 97), '}')",
        "data = NULL, data_bytes = X'ff'",
        "data = NULL, data_bytes = ''",
        "labels = '3'",
        "labels = '{\"a\":1}'",
        "subject = X'ff'",
        "created_at = -1",
        "idle_deadline = -1",
        "absolute_deadline = -9223372036854775808",
        "max_age = -1",
    ] {
        let name = fresh("corrupt");
        let store = store.with_namespace(&name).unwrap();
        let made = record(1);
        assert_eq!(store.create(key(1), made, NOW).await.unwrap(), Created::Created);
        set(&name, damage).await;
        let error = store.load(key(1), None, NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
        assert_eq!(store.create(key(1), record(2), NOW).await.unwrap(), Created::Occupied);
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
    let kept = "COALESCE(revision, secret_hash, created_at, idle_deadline, max_age, absolute_deadline, \
                authenticated_at, secret_since, previous_hash, previous_nonce, previous_until, subject, labels, \
                browser_session, data, data_bytes)";
    assert_eq!(text(&namespace, kept).await, None);
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

/// Another transaction holds a row; a statement of the store waits for it, and sees what it left.
async fn while_held<T: Send + 'static>(
    sql: &str,
    values: (&str, &[u8]),
    commits: bool,
    call: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut holder = shared_client().await;
    let mut beside = shared_client().await;
    let mut transaction = holder.start_transaction(TxOpts::default()).await.unwrap();
    transaction.exec_drop(sql, values).await.unwrap();
    let call = tokio::spawn(call);
    // The server looks at its tables of locks anew only when nobody has asked for a while.
    let waits = "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'";
    let mut wait = async || beside.query_first::<(String, u64), _>(waits).await.unwrap().unwrap().1;
    while wait().await == 0 && !call.is_finished() {}
    if commits {
        transaction.commit().await.unwrap();
    } else {
        transaction.rollback().await.unwrap();
    }
    call.await.unwrap()
}

/// S-61: what was renewed while a sweep waited for it stays.
#[tokio::test]
async fn s_061_a_sweep_spares_what_is_renewed_meanwhile() {
    let (store, namespace) = or_skip!(named().await);
    for n in 1..=3 {
        assert_eq!(store.create(key(n), record(1), NOW).await.unwrap(), Created::Created);
    }
    let late = NOW.plus(MAX_AGE);
    let renew = "UPDATE cloakroom_sessions SET idle_deadline = idle_deadline + 1000, \
                 expires_at = expires_at + 1000 WHERE namespace = ? AND handle = ?";
    let (sweeper, handle) = (store.clone(), key(2));
    let sweep = async move { sweeper.delete_expired(10, late).await.unwrap() };
    let values = (namespace.as_str(), &handle.as_bytes()[..]);
    assert_eq!(while_held(renew, values, true, sweep).await, 2);
    assert!(live(&store, key(2), late).await.is_some());
}

/// Another create has the key, and is not committed when ours begins.
#[tokio::test]
async fn a_create_that_waits_for_another_finds_what_that_left() {
    let (store, namespace) = or_skip!(named().await);
    for (n, expires_at, commits, expected) in [
        (1, NOW.plus(MAX_AGE), true, Created::Occupied),
        (2, NOW.plus(MAX_AGE), false, Created::Created),
        (3, NOW, true, Created::Created),
    ] {
        let at = expires_at.as_millis();
        let insert = format!(
            "INSERT INTO cloakroom_sessions (namespace, handle, expires_at, revision, secret_hash, created_at, \
             idle_deadline, max_age, secret_since, browser_session, data) \
             VALUES (?, ?, {at}, 1, REPEAT('x', 32), 0, {at}, 1, 0, false, '{{}}')"
        );
        let (creator, handle) = (store.clone(), key(n));
        let create = async move { creator.create(handle, record(5), NOW).await.unwrap() };
        let values = (namespace.as_str(), &handle.as_bytes()[..]);
        assert_eq!(while_held(&insert, values, commits, create).await, expected, "session {n}");
    }
}

#[tokio::test]
async fn a_sweep_of_any_size_works_in_batches() {
    let (store, namespace) = or_skip!(named().await);
    assert_eq!(store.create(key(0), record(1), NOW).await.unwrap(), Created::Created);
    let sql = format!(
        "INSERT INTO cloakroom_sessions (namespace, handle, ended, expires_at) \
         SELECT ?, UNHEX(LPAD(HEX(seq), 32, '0')), 'destroyed', seq FROM {}",
        numbers(2500)
    );
    shared_client().await.exec_drop(sql, (&namespace,)).await.unwrap();
    assert_eq!(store.delete_expired(1200, NOW).await.unwrap(), 1200);
    assert_eq!(store.delete_expired(usize::MAX, NOW).await.unwrap(), 1300);
    assert!(live(&store, key(0), NOW).await.is_some());
}

/// Two sweeps and writers that renew: whoever is told that a deadlock was broken does it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_and_writers_get_along() {
    let (store, namespace) = or_skip!(named().await);
    let sql = format!(
        "INSERT INTO cloakroom_sessions (namespace, handle, ended, expires_at) \
         SELECT ?, UNHEX(CONCAT('ee', LPAD(HEX(seq), 30, '0'))), 'destroyed', seq * 1000 FROM {}",
        numbers(3000)
    );
    shared_client().await.exec_drop(sql, (&namespace,)).await.unwrap();
    for n in 0..8 {
        assert_eq!(store.create(key(n), record(1), NOW).await.unwrap(), Created::Created);
    }
    let sweeps = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut removed = 0;
            for _ in 0..40 {
                removed += store.delete_expired(100, NOW).await.unwrap();
            }
            removed
        })
    });
    let sweeps: Vec<_> = sweeps.collect();
    let writers = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 1..=100 {
                let to = NOW.plus(MAX_AGE + Duration::from_secs(round * 60));
                assert!(store.touch(key(n), to, NOW).await.unwrap());
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut removed = 0;
    for sweep in sweeps {
        removed += sweep.await.unwrap();
    }
    assert_eq!(removed, 3000);
    for n in 0..8 {
        assert!(live(&store, key(n), NOW).await.is_some());
    }
}
