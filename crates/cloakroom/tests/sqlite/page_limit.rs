//! A database file that may not grow.

use cloakroom::store::{Created, Ended, SqliteStore, Store};
use rusqlite::Connection;

use crate::common::{NOW, fresh_path, handle};
use crate::full::{check_all_there, fill, large};

#[tokio::test]
async fn s_096_a_full_database_refuses_whole_writes_and_goes_on_when_there_is_room() {
    let path = fresh_path();
    let own = path.clone();
    let connect = move || {
        let connection = Connection::open(&own)?;
        connection.pragma_update_and_check(None, "max_page_count", 200, |_| Ok(()))?;
        Ok(connection)
    };
    let store = SqliteStore::builder().open_with(connect).await.unwrap();
    let count = fill(&store, 0).await;
    assert!(count > 10, "{count}");
    check_all_there(&store, count).await;
    for n in 0..5 {
        assert!(store.delete(handle(n), Ended::Destroyed, NOW).await.unwrap());
    }
    for n in 0..3 {
        assert_eq!(store.create(handle(n), large(n), NOW).await.unwrap(), Created::Created);
    }
}
