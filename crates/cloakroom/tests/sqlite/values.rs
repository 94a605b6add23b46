//! What a row holds, and that a person can read it.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom::store::{Created, SqliteStore, Store};
use cloakroom::{
    DataBuilder, Encoding, PreviousSecret, Record, RecordParts, Revision, SecretHash, UnixMillis,
};

use crate::common::{HASH, NOW, create, fresh, fresh_path, handle, live, parts};
use crate::foreign::foreign;

async fn check_kept(made: RecordParts) {
    let store = fresh().await;
    let made = Record::from(made);
    assert_eq!(store.create(handle(1), made.clone(), NOW).await.unwrap(), Created::Created);
    assert_eq!(live(&store, 1).await.expect("live").to_bytes(), made.to_bytes());
}

fn data(encoding: Encoding, entries: &[(&str, &str)]) -> cloakroom::Data {
    let mut builder = DataBuilder::new(encoding);
    for (key, value) in entries {
        builder.insert(key, value).unwrap();
    }
    builder.build()
}

#[tokio::test]
async fn every_field_is_kept_at_its_largest() {
    check_kept(RecordParts {
        revision: Revision::from_u64(u64::MAX),
        idle_deadline: UnixMillis::MAX,
        max_age: Duration::from_millis((1 << 40) - 1),
        absolute_deadline: Some(UnixMillis::MAX),
        authenticated_at: Some(UnixMillis::MAX),
        secret_since: UnixMillis::MAX,
        previous_secret: Some(PreviousSecret {
            secret_hash: SecretHash::from_bytes([0xff; 32]),
            nonce: [0xff; 16],
            until: UnixMillis::MAX,
        }),
        subject: Some("ü".repeat(256).into()),
        labels: (0..100).map(|n| (format!("label {n}"), "\"\\ é 日本".repeat(9))).collect(),
        browser_session: true,
        ..parts(1)
    })
    .await;
}

#[tokio::test]
async fn s_106_dates_beyond_2038_are_kept_to_the_millisecond() {
    let moment = UnixMillis::from_millis((1 << 32) * 1000 + 1);
    check_kept(RecordParts {
        created_at: UnixMillis::from_millis(0),
        idle_deadline: moment,
        secret_since: moment,
        absolute_deadline: Some(moment),
        ..parts(1)
    })
    .await;
}

#[tokio::test]
async fn s_103_large_data_is_kept_whole() {
    for size in [65_535, 65_536, 1 << 20] {
        let text = "x".repeat(size - 20);
        check_kept(RecordParts { data: data(Encoding::Json, &[("k", &text)]), ..parts(1) }).await;
    }
}

#[tokio::test]
async fn strange_text_is_kept() {
    let entries = [("", "\0"), ("'; DROP TABLE sessions;--", "\u{10ffff}"), ("\"k\"", "\n\t\\")];
    check_kept(RecordParts { data: data(Encoding::Json, &entries), ..parts(1) }).await;
    #[cfg(feature = "msgpack")]
    check_kept(RecordParts { data: data(Encoding::MessagePack, &entries), ..parts(1) }).await;
    let labels = BTreeMap::from([("a\0b".to_owned(), "'\"".to_owned())]);
    check_kept(RecordParts { labels, subject: Some("a\0b'".into()), ..parts(1) }).await;
    check_kept(RecordParts { data: cloakroom::Data::empty(Encoding::Json), ..parts(1) }).await;
}

#[tokio::test]
async fn a_person_can_read_and_query_a_session() {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    let made = RecordParts {
        data: data(Encoding::Json, &[("colour", "red"), ("name", "Ada")]),
        labels: BTreeMap::from([("device".to_owned(), "Firefox".to_owned())]),
        ..parts(1)
    };
    let _ = store.create(handle(1), made.into(), NOW).await.unwrap();
    let row = foreign(&path)
        .query_row(
            "SELECT lower(hex(handle)), data, data ->> 'colour', labels, \
             datetime(expires_at / 1000, 'unixepoch') FROM sessions",
            [],
            |row| {
                let text = |at| row.get::<_, String>(at);
                Ok([text(0)?, text(1)?, text(2)?, text(3)?, text(4)?])
            },
        )
        .unwrap();
    let shown = handle(1).to_string();
    let json = r#"{"colour":"red","name":"Ada"}"#;
    let labels = r#"{"device":"Firefox"}"#;
    assert_eq!(row, [shown.as_str(), json, "red", labels, "2026-09-21 14:15:00"]);
}

#[tokio::test]
async fn a_stolen_file_holds_no_secret() {
    let path = fresh_path();
    let store = SqliteStore::open(&path).await.unwrap();
    create(&store, 1).await;
    let kept: Vec<u8> =
        foreign(&path).query_row("SELECT secret_hash FROM sessions", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, HASH.as_bytes());
}
