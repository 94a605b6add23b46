//! A database that another process has locked.

use std::path::Path;
use std::time::Duration;

use cloakroom::ErrorKind;
use cloakroom::store::{Created, Ended, Lookup, Renewal, SqliteStore, Store};

use crate::common::{HASH, MAX_AGE, NOW, create, fresh_path, handle, live, record};
use crate::foreign::foreign;

/// A store with the usual patience, and one on the same file that gives up at once. Only calls that must fail go
/// to the latter: on a busy machine any call may take longer.
async fn patient_and_not(path: &Path) -> (SqliteStore, SqliteStore) {
    let impatient = SqliteStore::builder().with_timeout(Duration::from_millis(20));
    (SqliteStore::open(path).await.unwrap(), impatient.open(path).await.unwrap())
}

#[tokio::test]
async fn reads_do_not_wait_for_writers() {
    let path = fresh_path();
    let (store, impatient) = patient_and_not(&path).await;
    create(&store, 1).await;
    let other = foreign(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    assert!(live(&store, 1).await.is_some());
    let later = NOW.plus(Duration::from_secs(9));
    let not_due = Renewal::new(HASH, Some(Duration::from_secs(10)));
    let found = store.load(handle(1), Some(&not_due), later).await.unwrap();
    assert!(matches!(found, Lookup::Live(_)));
    assert_eq!(store.directory().unwrap().count(NOW).await.unwrap(), 1);

    let due = Renewal::new(HASH, Some(Duration::from_secs(9)));
    let error = impatient.load(handle(1), Some(&due), later).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    other.execute_batch("ROLLBACK").unwrap();
    let Lookup::Live(found) = store.load(handle(1), Some(&due), later).await.unwrap() else {
        panic!("it is live");
    };
    assert_eq!(found.idle_deadline(), later.plus(MAX_AGE));
}

#[tokio::test]
async fn s_096_a_write_that_waited_in_vain_never_happens_and_says_what_is_wrong() {
    let path = fresh_path();
    let (store, impatient) = patient_and_not(&path).await;
    let made = create(&store, 1).await;
    let other = foreign(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let errors = [
        impatient.create(handle(2), record(2), NOW).await.unwrap_err(),
        impatient.update(handle(1), record(3), made.revision(), NOW).await.unwrap_err(),
        impatient.touch(handle(1), NOW, NOW).await.unwrap_err(),
        impatient.delete(handle(1), Ended::Destroyed, NOW).await.unwrap_err(),
        impatient.delete_expired(1, NOW.plus(MAX_AGE)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.store(), Some("sqlite"));
        let told = format!("{error} {error:?}");
        assert!(
            told.contains("try again") && !told.to_lowercase().contains("sqlite_busy"),
            "{told}"
        );
    }

    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.create(handle(2), record(2), NOW).await.unwrap(), Created::Created);
    assert_eq!(live(&store, 1).await.unwrap().to_bytes(), made.to_bytes());
}
