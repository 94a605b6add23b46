//! Writes that wait together share one transaction, and nothing else.

use std::path::Path;
use std::pin::{Pin, pin};

use cloakroom::store::{Created, SqliteStore, Store};
use cloakroom::{ErrorKind, RecordParts};

use crate::common::{NOW, begin, create, fresh_path, handle, live, parts, record};
use crate::foreign::foreign;

/// The transactions in the log beside a file: its frames of the present generation that end one.
fn transactions(path: &Path) -> usize {
    let log = std::fs::read(path.with_extension("db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salt) = (number(8) as usize, &log[16..24]);
    let frames = (32..log.len()).step_by(24 + page);
    frames.filter(|at| log[at + 8..at + 16] == *salt && number(at + 4) != 0).count()
}

async fn check_isolated(raise: &str) {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    let other = foreign(&path);
    other
        .execute_batch(&format!(
            "CREATE TRIGGER poison BEFORE INSERT ON sessions WHEN NEW.subject = 'poison' \
             BEGIN SELECT RAISE({raise}, 'no'); END; \
             BEGIN IMMEDIATE"
        ))
        .unwrap();
    let creates = (0..10).map(|n| {
        let subject = (n == 5).then(|| "poison".into());
        store.create(handle(n), RecordParts { subject, ..parts(n) }.into(), NOW)
    });
    let mut creates: Vec<Pin<Box<_>>> = creates.map(Box::pin).collect();
    for create in &mut creates {
        assert!(begin(create.as_mut()).is_none());
    }
    other.execute_batch("ROLLBACK").unwrap();

    for (n, create) in (0..).zip(creates) {
        let outcome = create.await;
        if n == 5 {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
        } else {
            assert_eq!(outcome.unwrap(), Created::Created);
        }
        assert_eq!(live(&store, n).await.is_some(), n != 5, "session {n} after {raise}");
    }
}

#[tokio::test]
async fn a_write_that_fails_fails_alone() {
    check_isolated("ABORT").await;
}

#[tokio::test]
async fn a_write_that_ends_the_transaction_of_all_fails_alone() {
    check_isolated("ROLLBACK").await;
}

#[tokio::test]
async fn waiting_writes_share_one_transaction() {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    create(&store, 99).await;
    let before = transactions(&path);
    let other = foreign(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut creates: Vec<_> =
        (0..64).map(|n| Box::pin(store.create(handle(n), record(n), NOW))).collect();
    for create in &mut creates {
        assert!(begin(create.as_mut()).is_none());
    }
    other.execute_batch("ROLLBACK").unwrap();
    for create in creates {
        assert_eq!(create.await.unwrap(), Created::Created);
    }
    assert_eq!(transactions(&path), before + 1);
}

#[tokio::test]
async fn calls_in_one_transaction_see_each_other() {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    let other = foreign(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut first = pin!(store.create(handle(1), record(1), NOW));
    let mut second = pin!(store.create(handle(1), record(2), NOW));
    assert!(begin(first.as_mut()).is_none() && begin(second.as_mut()).is_none());
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(second.await.unwrap(), Created::Occupied);
    assert_eq!(first.await.unwrap(), Created::Created);
}
