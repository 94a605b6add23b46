//! The file: its rights, its tables, and files that are not ours.

use cloakroom::ErrorKind;
use cloakroom::store::{SqliteStore, Store};
use rusqlite::Connection;

use crate::common::{create, fresh_path, live};
use crate::foreign::foreign;

#[cfg(unix)]
#[tokio::test]
async fn s_096_all_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let path = fresh_path();
    let files = ["db", "db-wal", "db-shm", "db-next", "db-turn"]
        .map(|extension| path.with_extension(extension));
    let check = || {
        for file in &files {
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "{}", file.display());
        }
    };
    let store = SqliteStore::open(&path).await.unwrap();
    create(&store, 1).await;
    check();
    // As another program, or an older umask, may have left them.
    for file in &files[..3] {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let again = SqliteStore::open(&path).await.unwrap();
    check();
    assert!(live(&again, 1).await.is_some());
}

#[tokio::test]
async fn s_096_tables_are_strict_and_the_log_is_written_ahead() {
    let path = fresh_path();
    let _store = SqliteStore::open(&path).await.unwrap();
    let connection = foreign(&path);
    let strict: i64 = connection
        .query_row("SELECT count(*) FROM pragma_table_list WHERE strict", [], |row| row.get(0))
        .unwrap();
    assert_eq!(strict, 2);
    let mode: String =
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let check =
        connection.execute("INSERT INTO sessions (namespace, handle) VALUES ('', x'00')", []);
    assert!(check.is_err());
}

#[tokio::test]
async fn every_question_has_its_index() {
    let path = fresh_path();
    let _store = SqliteStore::open(&path).await.unwrap();
    let connection = foreign(&path);
    let plan = |question: &str| {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM sessions WHERE namespace = '' AND {question}"
        );
        connection.query_row(&sql, [], |row| row.get::<_, String>(3)).unwrap()
    };
    assert!(plan("handle = x'00'").contains("sessions_by_handle (namespace=? AND handle=?)"));
    assert!(plan("subject = 'ada'").contains("sessions_by_subject (namespace=? AND subject=?)"));
    assert!(plan("expires_at <= 1").contains("sessions_by_expiry (namespace=? AND expires_at<?)"));
    let page = plan("handle > x'00' AND +expires_at > 1 ORDER BY handle");
    assert!(page.contains("sessions_by_handle (namespace=? AND handle>?)"), "{page}");
}

async fn refusal(path: &std::path::Path) -> cloakroom::Error {
    let before = std::fs::read(path).unwrap();
    let error = SqliteStore::open(path).await.unwrap_err();
    assert_eq!(std::fs::read(path).unwrap(), before, "a file that is not ours stays as it is");
    error
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let path = fresh_path();
    foreign(&path).execute_batch("CREATE TABLE customers (name TEXT)").unwrap();
    assert_eq!(refusal(&path).await.kind(), ErrorKind::Unsupported);

    let path = fresh_path();
    foreign(&path).execute_batch("PRAGMA user_version = 3").unwrap();
    assert_eq!(refusal(&path).await.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let path = fresh_path();
    std::fs::write(&path, "Dear diary, ".repeat(1_000)).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_later_version_is_refused_and_an_old_one_brought_up() {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    create(&store, 1).await;
    drop(store);
    let connection = foreign(&path);
    connection.execute_batch("PRAGMA user_version = 9").unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("update the program"), "{error}");
    connection.execute_batch("PRAGMA user_version = 1").unwrap();
    assert!(live(&SqliteStore::open(&path).await.unwrap(), 1).await.is_some());

    // Version 0 of ours: made, but without tables yet.
    let path = fresh_path();
    drop(foreign(&path));
    create(&SqliteStore::open(&path).await.unwrap(), 1).await;
}

#[tokio::test]
async fn errors_of_opening_say_what_to_do_and_name_no_path() {
    let missing = fresh_path().join("no-such-folder").join("sessions.db");
    let error = SqliteStore::open(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = format!("{error} {error:?}");
    assert!(told.contains("folder does not exist") && !told.contains("no-such"), "{told}");

    let error = SqliteStore::builder().open_with(Connection::open_in_memory).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("MemoryStore"), "{error}");
}

#[tokio::test]
async fn connections_of_the_application_serve_as_well() {
    let path = fresh_path();
    let own = path.clone();
    let store = SqliteStore::builder().open_with(move || Connection::open(&own)).await.unwrap();
    create(&store, 1).await;
    assert!(live(&store, 1).await.is_some());
    assert_eq!(store.directory().unwrap().count(crate::common::NOW).await.unwrap(), 1);
}

/// A runtime on which the store was made may end before it.
#[test]
fn a_store_outlives_the_runtime_that_opened_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let store = runtime().block_on(SqliteStore::open(fresh_path())).unwrap();
    runtime().block_on(async { create(&store, 1).await });
    assert!(runtime().block_on(live(&store, 1)).is_some());
}
