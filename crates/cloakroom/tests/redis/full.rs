//! A server that drops keys when it is full.

use cloakroom::store::{Ended, Lookup, Updated};
use cloakroom::{DataBuilder, Encoding, ErrorKind, Record, RecordParts, RedisStore, Store as _};
use cloakroom_servers::{RedisServer, required};

use crate::common::{START, create, handle, live, parts};
use crate::log::Log;

const SESSIONS: u64 = 3000;

fn large(n: u64) -> Record {
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("n", &n).expect("a number is JSON");
    data.insert("text", &"x".repeat(1500)).expect("a text is JSON");
    RecordParts { data: data.build(), subject: Some("ada".into()), ..parts(n) }.into()
}

/// Its visitors are anonymous, and whoever was signed out stays so: nothing that is dropped brings anything back.
#[tokio::test]
async fn s_098_a_server_that_drops_sessions_is_warned_of_and_revives_none() {
    let options = ["--save", "", "--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = required("redis-server", RedisServer::start_with(&options)) else { return };
    let (log, _guard) = Log::listen();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    assert!(log.text().contains("WARN") && log.text().contains("maxmemory-policy noeviction"));
    let error = store.check().await.unwrap_err();
    assert_eq!((error.kind(), error.store()), (ErrorKind::Unsupported, Some("redis")), "{error}");

    let mut revisions = Vec::new();
    for n in 0..SESSIONS {
        let made = large(n);
        create(&store, n, &made).await;
        revisions.push(made.revision());
        // Some sign out, and their request that was under way comes back later.
        if n % 3 == 0 {
            let _ = store.delete(handle(n), Ended::Destroyed, START).await.unwrap();
        }
    }
    let (mut kept, mut dropped) = (0, 0);
    for n in 0..SESSIONS {
        match store.load(handle(n), None, START).await.unwrap() {
            Lookup::Live(found) => {
                assert_eq!(found.data().get::<u64>("n").unwrap(), Some(n));
                assert!(n % 3 != 0, "session {n} was ended");
                kept += 1;
            }
            Lookup::Absent(_) => {
                dropped += u64::from(n % 3 != 0);
                let expected = revisions[n as usize];
                let updated = store.update(handle(n), large(n), expected, START).await.unwrap();
                assert_eq!(updated, Updated::Gone);
                assert!(
                    !store
                        .touch(handle(n), START.plus(crate::common::MAX_AGE), START)
                        .await
                        .unwrap()
                );
                assert!(live(&store, n, START).await.is_none());
            }
        }
    }
    assert!(kept > 0 && dropped > 0, "{kept} kept, {dropped} dropped");
    for (found, _) in store.directory().unwrap().by_subject("ada", START).await.unwrap() {
        assert!((0..SESSIONS).step_by(3).all(|n| handle(n) != found), "an ended session is listed");
    }

    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).unwrap();
    store.check().await.unwrap();
    let warnings = log.text().matches("WARN").count();
    RedisStore::connect(&server.url()).await.unwrap();
    assert_eq!(log.text().matches("WARN").count(), warnings);
}
