//! Stores and records for the tests of this folder.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::store::{Created, Lookup, Renewal};
use cloakroom::{
    DataBuilder, Encoding, ErrorKind, Record, RecordParts, RedisStore, RedisStoreBuilder, Revision,
    SecretHash, SessionHandle, Store as _, UnixMillis,
};
use cloakroom_servers::{RedisServer, required};
use redis::aio::MultiplexedConnection;

pub(crate) const START: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
pub(crate) const MAX_AGE: Duration = Duration::from_secs(100);
/// Longer than a failover takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
pub(crate) const HASH: SecretHash = SecretHash::from_bytes([7; 32]);

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// A number that no other test of this run has.
pub(crate) fn fresh() -> u64 {
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

/// An empty store in a namespace of its own on the shared server; `None` without one.
pub(crate) async fn store() -> Option<RedisStore> {
    let url = required("redis-server", RedisServer::shared())?;
    let store = patient(&url).await;
    Some(store.with_namespace(&namespace()))
}

/// A name that no other test has, nor any other run on the same server.
pub(crate) fn namespace() -> String {
    format!("test-{}-{}", std::process::id(), fresh())
}

/// A server of the test's own; `None` if Redis is not installed.
pub(crate) fn server() -> Option<RedisServer> {
    required("redis-server", RedisServer::start())
}

pub(crate) fn handle(n: u64) -> SessionHandle {
    let mut bytes = [0xa5; 16];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    SessionHandle::from_bytes(bytes)
}

pub(crate) fn parts(n: u64) -> RecordParts {
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("n", &n).expect("a number is JSON");
    RecordParts::new(data.build(), HASH, Revision::from_u64(fresh()), START, MAX_AGE)
}

pub(crate) fn record(n: u64) -> Record {
    parts(n).into()
}

pub(crate) fn of_subject(n: u64, subject: &str) -> Record {
    RecordParts { subject: Some(subject.into()), ..parts(n) }.into()
}

pub(crate) fn after(seconds: u64) -> UnixMillis {
    START.plus(Duration::from_secs(seconds))
}

/// A renewal for the holder of the secret, whenever it moves the deadline at all.
pub(crate) fn always() -> Renewal {
    Renewal::new(HASH, Some(Duration::ZERO))
}

pub(crate) async fn create(store: &RedisStore, n: u64, record: &Record) {
    let created = store.create(handle(n), record.clone(), START).await.expect("it works");
    assert_eq!(created, Created::Created);
}

pub(crate) async fn live(store: &RedisStore, n: u64, now: UnixMillis) -> Option<Record> {
    match store.load(handle(n), None, now).await.expect("it works") {
        Lookup::Live(record) => Some(record),
        Lookup::Absent(_) => None,
    }
}

/// A connection beside the store, to look at what it keeps and to disturb it.
pub(crate) async fn connection(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("the server runs")
}

/// All keys of a server.
pub(crate) async fn keys(connection: &mut MultiplexedConnection) -> Vec<String> {
    let mut keys: Vec<String> =
        redis::cmd("KEYS").arg("*").query_async(connection).await.expect("it works");
    keys.sort();
    keys
}

/// Loads until the store answers again; what it says before must be temporary, and not for ever.
pub(crate) async fn recover(store: &RedisStore, n: u64) -> Option<Record> {
    let answered = tokio::time::timeout(PATIENCE, async {
        loop {
            match store.load(handle(n), None, START).await {
                Ok(Lookup::Live(record)) => return Some(record),
                Ok(Lookup::Absent(_)) => return None,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
            }
            tokio::task::yield_now().await;
        }
    });
    answered.await.expect("it answers again")
}

/// A store that waits longer than a busy machine takes, for tests in which nothing hangs.
pub(crate) async fn patient(url: &str) -> RedisStore {
    let builder = RedisStoreBuilder::from_url(url).expect("a URL");
    builder.with_timeout(Duration::from_secs(20)).connect().await.expect("it runs")
}
