use std::sync::Arc;
use std::time::Duration;

use super::connection::{Opener, Source};
use super::*;
use crate::error::ErrorKind;

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);

fn key() -> SessionHandle {
    SessionHandle::from_bytes([1; 16])
}

#[tokio::test]
async fn a_panic_costs_a_call_its_answer_and_the_store_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let builder = SqliteStore::builder().with_readers(1);
    let store = builder.open(folder.path().join("a.db")).await.unwrap();

    let write = store.write(IfDropped::Skip, |_| -> Result<(), Failure> { panic!("in a test") });
    assert_eq!(write.await.unwrap_err().kind(), ErrorKind::Unavailable);
    let read = store.read(|_| -> Result<(), Failure> { panic!("in a test") });
    assert_eq!(read.await.unwrap_err().kind(), ErrorKind::Unavailable);

    assert!(!store.touch(key(), NOW, NOW).await.unwrap());
    assert!(matches!(store.load(key(), None, NOW).await.unwrap(), Lookup::Absent(None)));
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let builder = SqliteStore::builder().with_readers(1);
    let store = builder.open(folder.path().join("a.db")).await.unwrap();
    let failure = || {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
        Failure::from(rusqlite::Error::SqliteFailure(code, Some("/secret/path".into())))
    };
    let error = store.write(IfDropped::Skip, move |_| Err::<(), _>(failure())).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let read = store.read(move |_| Err::<(), _>(failure())).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Unavailable);

    assert!(!store.touch(key(), NOW, NOW).await.unwrap());
    assert!(matches!(store.load(key(), None, NOW).await.unwrap(), Lookup::Absent(None)));
}

/// What a power cut leaves cannot be tried here; that every commit waits for the disk can be asked.
#[test]
fn s_096_every_commit_waits_for_the_disk_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    for (synchronous, level) in [(SqliteSynchronous::Full, 2), (SqliteSynchronous::Normal, 1)] {
        let source = Source::File(folder.path().join(format!("{level}.db")));
        let opener = Opener { source, synchronous };
        opener.prepare().unwrap();
        let writer = opener.writer().unwrap();
        let set: i64 = writer.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!(set, level);
    }
    assert_eq!(SqliteSynchronous::default(), SqliteSynchronous::Full);
}

#[tokio::test]
async fn the_threads_end_with_the_last_clone() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db")).await.unwrap();
    let (reads, writes) = (store.shared.reads.clone(), store.shared.writes.clone());
    let other = store.with_namespace("other");
    drop(store);
    assert!(!other.touch(key(), NOW, NOW).await.unwrap());
    drop(other);
    // A thread gives up its share of the queue when it ends.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while Arc::strong_count(&reads) > 1 || Arc::strong_count(&writes) > 1 {
        assert!(tokio::time::Instant::now() < deadline, "a thread still runs");
        tokio::task::yield_now().await;
    }
}
