//! Making the table: by call, by hand, by many at once.

use cloakroom::ErrorKind;
use cloakroom::store::{Created, MysqlStore, MysqlStoreBuilder, Store};
use cloakroom_servers::MysqlServer;
use mysql_async::prelude::Queryable;

use crate::or_skip;
use crate::records::{NOW, key, live, record};
use crate::setup::{builder, fresh, patient, shared_client, store};

fn with_table(table: &str) -> MysqlStore {
    let url = MysqlServer::shared().expect("asked before");
    patient(url).with_table(table).build().unwrap()
}

async fn steps(table: &str) -> Vec<u64> {
    let sql = format!("SELECT number FROM {table}_migrations ORDER BY number");
    shared_client().await.query(sql).await.unwrap()
}

async fn works(store: &MysqlStore) {
    store.check().await.unwrap();
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    assert!(live(store, key(1), NOW).await.is_some());
}

/// Several instances start at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_are_done_once_by_many() {
    or_skip!(store().await);
    let table = fresh("many");
    let stores: Vec<_> = (0..8).map(|_| with_table(&table)).collect();
    assert_eq!(stores[0].check().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let tasks: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = store.clone();
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(steps(&table).await, [1]);
    stores[0].migrate().await.unwrap();
    works(&stores[1]).await;
}

/// The server ends a transaction at each change of a table, so a starter may die between a step and its number.
#[tokio::test]
async fn a_step_that_was_done_and_not_recorded_is_recorded() {
    or_skip!(store().await);
    let table = fresh("half");
    let store = with_table(&table);
    store.migrate().await.unwrap();
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    shared_client().await.query_drop(format!("DELETE FROM {table}_migrations")).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(steps(&table).await, [1]);
    assert!(live(&store, key(1), NOW).await.is_some());
}

#[tokio::test]
async fn the_printed_migrations_are_the_ones_that_run() {
    or_skip!(store().await);
    let (by_hand, by_call) = (fresh("hand"), fresh("call"));
    let mut client = shared_client().await;
    client.query_drop(with_table(&by_hand).migrations()).await.unwrap();
    with_table(&by_hand).migrate().await.unwrap();
    with_table(&by_call).migrate().await.unwrap();
    works(&with_table(&by_hand)).await;
    let mut made = async |table: &str| {
        let sql = format!("SHOW CREATE TABLE {table}");
        let row: Option<(String, String)> = client.query_first(sql).await.unwrap();
        row.unwrap().1.replace(table, "table")
    };
    assert_eq!(made(&by_hand).await, made(&by_call).await);
}

/// A user who may create nothing may not migrate, and is told what to do.
#[tokio::test]
async fn s_107_only_migrations_need_more_than_reading_and_writing() {
    let store = or_skip!(store().await);
    store.migrate().await.expect("there is nothing left to do, and a table to read says so");
    store.check().await.expect("the columns of a table that one may read are shown");
    let elsewhere = builder().await.unwrap().with_table(fresh("none")).build().unwrap();
    let error = elsewhere.migrate().await.unwrap_err();
    assert!(error.to_string().contains("may create tables"), "{error}");
    assert_eq!(elsewhere.check().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_table_of_a_newer_version_is_left_alone() {
    or_skip!(store().await);
    let table = fresh("newer");
    let store = with_table(&table);
    store.migrate().await.unwrap();
    let sql = format!("INSERT INTO {table}_migrations VALUES (99)");
    shared_client().await.query_drop(sql).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

/// S-102 and S-103: what promises rest on is looked at.
#[tokio::test]
async fn s_102_a_table_with_other_keys_is_refused() {
    or_skip!(store().await);
    for (damage, says) in [
        (
            "MODIFY handle CHAR(16) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL",
            "`handle`",
        ),
        ("MODIFY handle VARBINARY(16) NOT NULL", "`handle`"),
        ("MODIFY namespace VARCHAR(64) CHARACTER SET utf8mb4 NOT NULL", "`namespace`"),
        ("MODIFY subject TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "`subject`"),
        ("MODIFY data LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "`data`"),
        ("MODIFY data_bytes MEDIUMBLOB", "`data_bytes`"),
        ("ENGINE = MyISAM", "InnoDB"),
    ] {
        let table = fresh("damaged");
        let store = with_table(&table);
        store.migrate().await.unwrap();
        let sql = format!("ALTER TABLE {table} {damage}");
        shared_client().await.query_drop(sql).await.unwrap();
        let error = store.check().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn the_text_of_the_migrations_needs_no_server() {
    let builder = MysqlStore::from_url("mysql://localhost/app");
    let store = builder.map(|builder| builder.with_table("visits"));
    let text = store.and_then(MysqlStoreBuilder::build).unwrap().migrations();
    assert!(text.contains("EXISTS `visits` (") && text.contains("GRANT SELECT"), "{text}");
    assert!(!text.contains("{table}"), "{text}");
}
