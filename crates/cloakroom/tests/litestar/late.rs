//! A call that is carried out when nobody waits for it any more.

use std::time::Duration;

use cloakroom::store::litestar::{RedisStore, RedisStoreBuilder};
use cloakroom::store::{Created, Ended, Lookup};
use cloakroom::{
    Data, Encoding, ErrorKind, IdFormat, Record, RecordParts, Revision, SecretHash, SessionId,
    Store as _, UnixMillis,
};
use cloakroom_servers::{Proxy, RedisServer, Weather, required};

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
const MAX_AGE: Duration = Duration::from_secs(1000);

fn record() -> Record {
    let (data, hash) = (Data::empty(Encoding::Json), SecretHash::from_bytes([7; 32]));
    RecordParts {
        authenticated_at: Some(NOW),
        subject: Some("ada".into()),
        ..RecordParts::new(data, hash, Revision::from_u64(1), NOW, MAX_AGE)
    }
    .into()
}

fn id(digit: u8) -> SessionId {
    SessionId::parse(&[digit; 64], 32, IdFormat::Hex).expect("an ID")
}

fn store(port: u16, timeout: Duration) -> RedisStore {
    let builder = RedisStoreBuilder::from_url(&format!("redis://127.0.0.1:{port}"));
    builder.expect("a URL").with_timeout(timeout).build().expect("a store")
}

async fn create(store: &RedisStore, id: &SessionId) -> cloakroom::Result<Created> {
    store.whole_ids().expect("a store by ID").create_by_id(id, record(), NOW).await
}

/// It was repeated, and the session was ended: that stays so.
#[tokio::test]
async fn a_create_that_is_late_brings_no_ended_session_back() {
    let Some(server) = required("redis-server", RedisServer::start()) else {
        return;
    };
    let proxy = Proxy::start(server.port()).expect("a proxy");
    let late = store(proxy.port(), Duration::from_millis(300));
    let direct = store(server.port(), Duration::from_secs(20));
    let (first, second) = (id(b'1'), id(b'2'));
    // So that the server knows the script, and the connection is there: in its short time, on a busy machine, not at once.
    while let Err(error) = create(&late, &first).await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    proxy.set(Weather::Silent);
    assert_eq!(create(&late, &second).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(create(&direct, &second).await.unwrap(), Created::Created);
    assert!(direct.delete(second.handle(), Ended::Revoked, NOW).await.unwrap());

    server.cli(&["CONFIG", "RESETSTAT"]).unwrap();
    proxy.set(Weather::Fair);
    while !server.cli(&["INFO", "commandstats"]).unwrap().contains("cmdstat_evalsha:") {
        tokio::task::yield_now().await;
    }
    let ids = direct.whole_ids().expect("a store by ID");
    let found = ids.load_by_id(&second, None, NOW).await.unwrap();
    assert!(matches!(found, Lookup::Absent(Some(Ended::Revoked))), "{found:?}");
}
