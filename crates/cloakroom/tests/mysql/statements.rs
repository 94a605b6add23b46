//! What a call costs, and that no row is looked for in the wrong way.

use std::time::Duration;

use cloakroom::store::{Created, Directory, Ended, Lookup, Renewal, Store, Updated};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use crate::or_skip;
use crate::records::{HASH, MAX_AGE, NOW, key, live, record};
use crate::setup::{client, numbers, on, server};

/// What a connection beside the store reads of the server's counters.
async fn status(client: &mut Conn, names: &[&str]) -> u64 {
    let rows: Vec<(String, String)> = client.query("SHOW GLOBAL STATUS").await.unwrap();
    rows.iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(_, value)| value.parse::<u64>().unwrap())
        .sum()
}

#[tokio::test]
async fn each_call_is_one_statement_if_it_does_what_was_asked() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).with_max_connections(1).build().unwrap();
    let mut beside = client(&server.url()).await;
    let first = record(1);
    let due = Renewal::new(HASH, Some(Duration::ZERO));
    let later = NOW.plus(Duration::from_secs(1));
    // Twice, because what is prepared at its first use is not prepared again.
    for round in 0..2 {
        let n = round * 10 + 1;
        let prepared = status(&mut beside, &["Com_stmt_prepare"]).await;
        let mut before = status(&mut beside, &["Com_stmt_execute"]).await;
        let mut costs = async |statements: u64, what: &str| {
            let now = status(&mut beside, &["Com_stmt_execute"]).await;
            assert_eq!(now - before, statements, "{what}");
            before = now;
        };
        assert_eq!(store.create(key(n), first.clone(), NOW).await.unwrap(), Created::Created);
        costs(1, "create").await;
        assert_eq!(store.create(key(n), first.clone(), NOW).await.unwrap(), Created::Occupied);
        costs(3, "create of a taken key").await;
        let _ = store.load(key(n), None, NOW).await.unwrap();
        costs(1, "load").await;
        let _ = store.load(key(n), Some(&Renewal::new(HASH, None)), NOW).await.unwrap();
        costs(1, "load with a renewal that is not due").await;
        let found = store.load(key(n), Some(&due), later).await.unwrap();
        let Lookup::Live(found) = found else { panic!("it is live") };
        assert_eq!(found.idle_deadline(), later.plus(MAX_AGE));
        costs(2, "load with a renewal").await;
        let _ = store.load(key(9), Some(&due), later).await.unwrap();
        costs(1, "load of nothing").await;
        let updated = store.update(key(n), record(2), first.revision(), NOW).await.unwrap();
        assert_eq!(updated, Updated::Updated);
        costs(1, "update").await;
        let updated = store.update(key(n), record(3), first.revision(), NOW).await.unwrap();
        assert_eq!(updated, Updated::Conflict);
        costs(2, "update in conflict").await;
        let updated = store.update(key(9), record(3), first.revision(), NOW).await.unwrap();
        assert_eq!(updated, Updated::Gone);
        costs(2, "update of nothing").await;
        assert!(store.touch(key(n), later.plus(MAX_AGE * 2), NOW).await.unwrap());
        costs(1, "touch").await;
        assert!(!store.touch(key(9), later, NOW).await.unwrap());
        costs(2, "touch of nothing").await;
        assert!(store.delete(key(n), Ended::Destroyed, NOW).await.unwrap());
        costs(1, "delete").await;
        assert!(!store.delete(key(n), Ended::Destroyed, NOW).await.unwrap());
        costs(1, "delete of nothing").await;
        assert_eq!(store.create(key(n), record(4), NOW).await.unwrap(), Created::Created);
        costs(2, "create in the place of an ended session").await;
        store.delete_expired(100, NOW).await.unwrap();
        costs(1, "delete_expired").await;
        store.by_subject("ada", NOW).await.unwrap();
        costs(1, "by_subject").await;
        store.page(None, 10, NOW).await.unwrap();
        costs(1, "page").await;
        store.count(NOW).await.unwrap();
        costs(1, "count").await;
        let prepared = status(&mut beside, &["Com_stmt_prepare"]).await - prepared;
        assert!(if round == 0 { prepared > 0 } else { prepared == 0 }, "{prepared} prepared");
    }
}

#[tokio::test]
async fn s_060_a_load_that_renews_nothing_writes_nothing() {
    let server = or_skip!(server(&[]).await);
    let store = on(&server).build().unwrap();
    assert_eq!(store.create(key(1), record(1), NOW).await.unwrap(), Created::Created);
    let mut beside = client(&server.url()).await;
    let names = ["Handler_update", "Handler_write", "Handler_delete", "Com_update", "Com_insert"];
    // What a look at the counters writes itself.
    let first = status(&mut beside, &names).await;
    let look = status(&mut beside, &names).await - first;
    let before = status(&mut beside, &names).await;
    for n in 1..=100 {
        let now = NOW.plus(Duration::from_millis(n));
        let renewal = Renewal::new(HASH, None);
        assert!(matches!(store.load(key(1), Some(&renewal), now).await.unwrap(), Lookup::Live(_)));
        let _ = store.load(key(2), Some(&renewal), now).await.unwrap();
        assert!(live(&store, key(1), now).await.is_some());
    }
    assert_eq!(status(&mut beside, &names).await - before, look);
}

/// Whatever a statement looks for is found by an index, all of which are compared as bytes.
#[tokio::test]
async fn every_search_uses_an_index() {
    let server = or_skip!(server(&[]).await);
    let mut beside = client(&server.url()).await;
    let rows = format!(
        "INSERT INTO cloakroom_sessions (namespace, handle, ended, expires_at, subject) \
         SELECT CONCAT('n', seq % 3), UNHEX(LPAD(HEX(seq), 32, '0')), 'destroyed', seq * 1000, \
         CONCAT('ada', seq) FROM {}",
        numbers(5000)
    );
    beside.query_drop(rows).await.unwrap();
    beside.query_drop("ANALYZE TABLE cloakroom_sessions").await.unwrap();
    for (statement, values, index) in [
        ("SELECT * FROM cloakroom_sessions WHERE namespace = ? AND handle = ?", 2, "PRIMARY"),
        (
            "SELECT * FROM cloakroom_sessions WHERE namespace = ? AND subject = ? AND ended IS NULL",
            2,
            "by_subject",
        ),
        (
            "DELETE FROM cloakroom_sessions WHERE namespace = ? AND expires_minute <= 9 \
             AND expires_at <= 540000 ORDER BY expires_minute LIMIT 100",
            1,
            "by_expiry",
        ),
    ] {
        let second = if index == "PRIMARY" { &1_u128.to_be_bytes()[..] } else { b"ada1" };
        let bound = [Value::from("n1"), Value::from(second)][..values].to_vec();
        let plan: Vec<Row> =
            beside.exec(format!("EXPLAIN FORMAT = TRADITIONAL {statement}"), bound).await.unwrap();
        let used: Option<String> = plan[0].get("key").unwrap();
        assert_eq!(used.as_deref(), Some(index), "{statement}");
    }
}
