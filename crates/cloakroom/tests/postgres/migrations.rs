//! Making the table: by call, by hand, by many at once.

use cloakroom::ErrorKind;
use cloakroom::store::{Created, PostgresStore, PostgresStoreBuilder, Store};
use cloakroom_servers::{PgBouncer, Postgres};

use crate::or_skip;
use crate::records::{NOW, key, live, record};
use crate::setup::{fresh, patient, shared_client, store};

fn in_schema(schema: &str) -> PostgresStore {
    let url = Postgres::shared().expect("asked before");
    let builder = patient(url).with_schema(schema).with_table("user");
    builder.build().unwrap()
}

async fn steps(schema: &str) -> Vec<i32> {
    let client = shared_client().await;
    let sql = format!("SELECT number FROM {schema}.user_migrations ORDER BY number");
    client.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn works(store: &PostgresStore) {
    store.check().await.unwrap();
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    assert!(live(store, key(1), NOW).await.is_some());
}

/// Several instances start at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_are_done_once_by_many() {
    or_skip!(store().await);
    let schema = fresh("many");
    let stores: Vec<_> = (0..8).map(|_| in_schema(&schema)).collect();
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
    assert_eq!(steps(&schema).await, [1]);
    stores[0].migrate().await.unwrap();
    works(&stores[1]).await;
}

/// The lock belongs to the transaction, which a pool in transaction mode keeps on one connection.
#[tokio::test]
async fn migrations_pass_through_pgbouncer() {
    or_skip!(crate::setup::bounced().await);
    let schema = fresh("bounced");
    let builder = patient(PgBouncer::shared().expect("asked before"));
    let store = builder.with_schema(&schema).with_table("user").build().unwrap();
    let (one, other) = tokio::join!(store.migrate(), store.migrate());
    one.and(other).unwrap();
    assert_eq!(steps(&schema).await, [1]);
    works(&store).await;
}

#[tokio::test]
async fn the_printed_migrations_are_the_ones_that_run() {
    or_skip!(store().await);
    let (by_hand, by_call) = (fresh("hand"), fresh("call"));
    let client = shared_client().await;
    client.batch_execute(&in_schema(&by_hand).migrations()).await.unwrap();
    in_schema(&by_hand).migrate().await.unwrap();
    in_schema(&by_call).migrate().await.unwrap();
    works(&in_schema(&by_hand)).await;
    let columns = async |schema: &str| {
        let sql = "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable \
                   FROM information_schema.columns WHERE table_schema = $1 ORDER BY 1";
        let rows = client.query(sql, &[&schema]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    assert_eq!(columns(&by_hand).await, columns(&by_call).await);
    assert_eq!(columns(&by_hand).await.len(), 22);
}

/// A role that may create nothing may not migrate, and is told what to do.
#[tokio::test]
async fn s_107_only_migrations_need_more_than_reading_and_writing() {
    let builder = or_skip!(crate::setup::builder().await);
    let store = builder.build().unwrap();
    store.migrate().await.expect("there is nothing left to do, and a table to read says so");
    let builder = or_skip!(crate::setup::builder().await);
    let elsewhere = builder.with_schema(fresh("none")).build().unwrap();
    let error = elsewhere.migrate().await.unwrap_err();
    assert!(error.to_string().contains("as the owner"), "{error}");
    let error = elsewhere.check().await.unwrap_err();
    assert!(error.to_string().contains("run the migrations"), "{error}");
}

#[tokio::test]
async fn a_table_of_a_newer_version_is_left_alone() {
    or_skip!(store().await);
    let schema = fresh("newer");
    let store = in_schema(&schema);
    store.migrate().await.unwrap();
    let client = shared_client().await;
    let sql = format!("INSERT INTO {schema}.user_migrations VALUES (99)");
    client.batch_execute(&sql).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[test]
fn the_text_of_the_migrations_needs_no_server() {
    let builder = PostgresStore::from_url("postgres://localhost/app");
    let store = builder.map(|builder| builder.with_schema("web").with_table("visits"));
    let text = store.and_then(PostgresStoreBuilder::build).unwrap().migrations();
    assert!(text.contains("CREATE TABLE \"web\".\"visits\" (") && text.contains("GRANT SELECT"));
    assert!(!text.contains("{table}") && !text.contains("{index"), "{text}");
}
