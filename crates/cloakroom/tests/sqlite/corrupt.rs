//! Rows that this library did not write.

use std::path::PathBuf;

use cloakroom::store::{Directory, Ended, Lookup, SqliteStore, Store};
use cloakroom::{ErrorKind, Record, RecordParts};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql};

use crate::common::{NOW, create, fresh_path, handle, parts};
use crate::foreign::foreign;

async fn one_session() -> (PathBuf, SqliteStore, Connection) {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    let made = RecordParts {
        subject: Some("ada".into()),
        labels: [("device".to_owned(), "Firefox".to_owned())].into(),
        ..parts(1)
    };
    let _ = store.create(handle(1), Record::from(made), NOW).await.unwrap();
    let connection = foreign(&path);
    connection.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    (path, store, connection)
}

/// Text as it is, UTF-8 or not.
struct RawText<'a>(&'a [u8]);

impl ToSql for RawText<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

/// Whether the record is read; anything but a record or `Corrupt` is a failure.
async fn is_read(store: &SqliteStore) -> bool {
    match store.load(handle(1), None, NOW).await {
        Ok(Lookup::Live(record)) => {
            assert!(record.data().len() <= 1, "never part of the data");
            true
        }
        Ok(Lookup::Absent(why)) => panic!("{why:?}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            false
        }
    }
}

#[tokio::test]
async fn s_087_data_that_is_cut_or_changed_is_read_whole_or_not_at_all() {
    let (_path, store, connection) = one_session().await;
    let json = br#"{"n":1}"#;
    let mut update = connection.prepare("UPDATE sessions SET data = ?1").unwrap();
    for len in 0..json.len() {
        update.execute([RawText(&json[..len])]).unwrap();
        assert!(!is_read(&store).await, "{len} bytes");
    }
    for bit in 0..json.len() * 8 {
        let mut changed = *json;
        changed[bit / 8] ^= 1 << (bit % 8);
        update.execute([RawText(&changed)]).unwrap();
        is_read(&store).await;
        update.execute([Value::Blob(changed.to_vec())]).unwrap();
        is_read(&store).await;
    }
    update.execute([RawText(json)]).unwrap();
    assert!(is_read(&store).await);
}

#[tokio::test]
async fn s_087_columns_out_of_their_range_are_no_record() {
    let (_path, store, connection) = one_session().await;
    let many = format!("{{\"a\":\"{}\"}}", "x".repeat(5_000));
    let strange: [(&str, Value); 20] = [
        ("secret_hash", Value::Blob(vec![7; 31])),
        ("secret_hash", Value::Blob(Vec::new())),
        ("created_at", Value::Integer(-1)),
        ("created_at", Value::Integer(i64::MAX)),
        ("max_age", Value::Integer(-1)),
        ("max_age", Value::Integer(1 << 40)),
        ("absolute_deadline", Value::Integer(i64::MAX)),
        ("authenticated_at", Value::Integer(i64::MIN)),
        ("secret_since", Value::Integer(1 << 48)),
        ("previous_secret_hash", Value::Blob(vec![1; 32])),
        ("previous_nonce", Value::Blob(vec![1; 16])),
        ("previous_until", Value::Integer(1)),
        ("subject", Value::Text("x".repeat(70_000))),
        ("labels", Value::Text("{".into())),
        ("labels", Value::Text("[1]".into())),
        ("labels", Value::Text(r#"{"a":1}"#.into())),
        ("labels", Value::Text(many)),
        ("data", Value::Integer(1)),
        ("data", Value::Text("[]".into())),
        ("data", Value::Text(r#"{"n":1,"n":2}"#.into())),
    ];
    for (column, value) in strange {
        connection.execute_batch("SAVEPOINT s").unwrap();
        connection
            .execute(&format!("UPDATE sessions SET {column} = ?1"), [&value])
            .unwrap_or_else(|error| panic!("{column}: {error}"));
        connection.execute_batch("RELEASE s").unwrap();
        assert!(!is_read(&store).await, "{column} = {value:.60?}");
        connection
            .execute_batch(
                "UPDATE sessions SET secret_hash = zeroblob(32), created_at = 1, max_age = 1, \
                 absolute_deadline = NULL, authenticated_at = NULL, secret_since = 1, \
                 previous_secret_hash = NULL, previous_nonce = NULL, previous_until = NULL, \
                 subject = 'ada', labels = NULL, data = '{\"n\":1}'",
            )
            .unwrap();
        assert!(is_read(&store).await, "{column} is right again");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_hides_no_other_and_can_be_ended() {
    let (_path, store, connection) = one_session().await;
    connection.execute_batch("UPDATE sessions SET data = 'x'").unwrap();
    create(&store, 2).await;
    assert!(store.by_subject("ada", NOW).await.unwrap().is_empty());
    let page = store.page(None, 1, NOW).await.unwrap();
    assert_eq!(page.iter().map(|found| found.0).collect::<Vec<_>>(), [handle(2)]);
    assert!(store.delete(handle(1), Ended::Revoked, NOW).await.unwrap());
    let found = store.load(handle(1), None, NOW).await.unwrap();
    assert!(matches!(found, Lookup::Absent(Some(Ended::Revoked))));
}
