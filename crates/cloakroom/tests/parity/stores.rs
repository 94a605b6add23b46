//! A.4: what the stores of the reference have, beside what these have.

use std::time::Duration;

use cloakroom::store::litestar::{FileStore, RedisStore, RedisStoreBuilder};
use cloakroom::store::{AnyStore, StoreRegistry};
use cloakroom::testkit::{FaultyStore, Operation, TestClock};
use cloakroom::{
    Clock, ErrorKind, MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig, Store,
};
use cloakroom_servers::{RedisServer, required};
use tempfile::TempDir;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A backend on a store, as one process of the application is.
pub(crate) struct Process {
    pub(crate) backend: ServerSideSessionBackend,
    pub(crate) clock: TestClock,
}

impl Process {
    pub(crate) fn on(store: impl Store) -> Self {
        Self::with(store, ServerSideSessionConfig::litestar())
    }

    fn with(store: impl Store, config: ServerSideSessionConfig) -> Self {
        let clock = TestClock::new();
        let backend = ServerSideSessionBackend::new(store, config).unwrap();
        Self { backend: backend.with_clock(clock.clone()), clock }
    }

    pub(crate) async fn load(&self, cookie: &str) -> cloakroom::Session {
        self.backend.load_from_connection([cookie.as_bytes()]).await.unwrap()
    }

    /// Inserts; the cookie that the browser has afterwards.
    pub(crate) async fn insert(&self, cookie: &str, key: &str, value: u32) -> String {
        let session = self.load(cookie).await;
        session.insert(key, &value).unwrap();
        let (headers, outcome) = self.backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        let line = headers.set_cookie.unwrap_or_else(|| cookie.to_owned());
        line.split(';').next().unwrap().to_owned()
    }
}

/// One store of each kind that a Litestar user knows, each empty.
pub(crate) fn each() -> Vec<(AnyStore, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec![
        (AnyStore::new(MemoryStore::new()), None),
        (AnyStore::new(FileStore::new(folder.path().join("kept"))), Some(folder)),
    ];
    if let Some(url) = required("redis-server", RedisServer::shared()) {
        let name = format!("parity-{}-{:p}", std::process::id(), &raw const all);
        all.push((AnyStore::new(rooted(&url, &*name)), None));
    }
    all
}

fn rooted<'n>(url: &str, namespace: impl Into<Option<&'n str>>) -> RedisStore {
    let builder = RedisStoreBuilder::from_url(url).unwrap().with_root_namespace(namespace);
    builder.with_timeout(Duration::from_secs(20)).build().unwrap()
}

/// The same without an effect: nothing is contacted or made before the first call. Better: what is missing is made then, and a
/// server that is not there is an error with what to do.
#[tokio::test]
async fn a_4_constructor_makes_and_contacts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let store = FileStore::new(&path);
    assert!(!path.exists());
    Process::on(store).insert("", "a", 1).await;
    assert!(path.is_dir());

    let port = cloakroom_servers::free_port().unwrap();
    let store = RedisStore::from_url(&format!("redis://127.0.0.1:{port}")).unwrap();
    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(RedisStore::from_url("redis://").is_err());
    assert_eq!(MemoryStore::new().name(), "memory");
}

/// The same names; better: two of them never share a session, and in a folder what is made for one is made for all.
#[tokio::test]
async fn a_4_namespaces_nest_and_stay_apart() {
    let folder = tempfile::tempdir().unwrap();
    let root = FileStore::new(folder.path().join("kept"));
    for name in ["response_cache", "a/b", "..", ""] {
        assert_eq!(root.with_namespace(name).unwrap_err().kind(), ErrorKind::StoreUrl, "{name}");
    }
    let memory = MemoryStore::new();
    let mut stores = vec![
        [root.clone(), root.with_namespace("sessions").unwrap()].map(AnyStore::new),
        [memory.clone(), memory.with_namespace("sessions")].map(AnyStore::new),
    ];
    if let Some(url) = required("redis-server", RedisServer::shared()) {
        let root = rooted(&url, &*format!("nest-{}", std::process::id()));
        stores.push([root.clone(), root.with_namespace("sessions")].map(AnyStore::new));
    }
    for pair in stores {
        let [outer, inner] = pair.map(Process::on);
        let cookie = outer.insert("", "a", 1).await;
        assert!(!inner.load(&cookie).await.exists());
        let cookie = inner.insert("", "a", 1).await;
        assert!(inner.load(&cookie).await.exists() && !outer.load(&cookie).await.exists());
    }
    assert!(folder.path().join("kept/sessions").is_dir());

    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    for (root, expected) in [(Some("APP"), "APP_sessions:"), (None, "sessions:")] {
        server.cli(&["FLUSHALL"]).unwrap();
        let store = rooted(&server.url(), root).with_namespace("sessions");
        let cookie = Process::on(store).insert("", "a", 1).await;
        let key = cookie.replace("session=", expected);
        assert_eq!(server.cli(&["EXISTS", &key]).unwrap().trim(), "1", "{key}");
    }
}

/// Better: compare-and-set, and a write that failed is an error. An end that has passed is an end, not one that never comes.
#[tokio::test]
async fn a_4_set_is_compared_and_has_an_end() {
    for (store, folder) in each() {
        let store = FaultyStore::new(store);
        let process = Process::on(store.clone());
        let cookie = process.insert("", "a", 1).await;
        let both = [process.load(&cookie).await, process.load(&cookie).await];
        both[0].insert("b", &2).unwrap();
        both[1].insert("c", &3).unwrap();
        for session in &both {
            process.backend.store_in_message(session, 200).await.1.unwrap();
        }
        assert_eq!(process.load(&cookie).await.keys(), ["a", "b", "c"]);
        assert!(store.calls(Operation::Update) >= 3, "one was made again");
        process.clock.advance(14 * DAY);
        assert!(!process.load(&cookie).await.exists());
        drop(folder);
    }
}

/// The same: `renew_for` restarts the time to live in the step that reads. Better: also of a session that has less than half a
/// second left, and for any length; at most once in a tenth of it.
#[tokio::test]
async fn a_4_get_renews_in_the_step_that_reads() {
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    let config = ServerSideSessionConfig::litestar().with_renew_on_access(true);
    let process = Process::with(rooted(&server.url(), "APP"), config);
    let cookie = process.insert("", "a", 1).await;
    let key = cookie.replace("session=", "APP:");
    let left = || server.cli(&["TTL", &key]).unwrap().trim().parse::<i64>().unwrap();
    server.cli(&["EXPIRE", &key, "1000"]).unwrap();
    let calls =
        || server.cli(&["INFO", "commandstats"]).unwrap().matches("cmdstat_expire:").count();
    process.load(&cookie).await;
    assert!((1_209_590..=1_209_600).contains(&left()), "{}", left());
    server.cli(&["CONFIG", "RESETSTAT"]).unwrap();
    process.load(&cookie).await;
    assert_eq!(calls(), 0, "not again at once");
    process.clock.advance(14 * DAY - Duration::from_millis(300));
    assert!(process.load(&cookie).await.exists());
    assert!((1_209_590..=1_209_600).contains(&left()), "{}", left());
    process.clock.advance(7 * DAY);
    assert!(process.load(&cookie).await.exists());
}

/// Better: what has expired does not exist, on any store, whatever is still there.
#[tokio::test]
async fn a_4_exists_is_false_for_what_has_expired() {
    for (store, _folder) in each() {
        let process = Process::on(store);
        assert!(!process.load("").await.exists());
        let cookie = process.insert("", "a", 1).await;
        process.clock.advance(14 * DAY - Duration::from_millis(1));
        assert!(process.load(&cookie).await.exists());
        process.clock.advance(Duration::from_millis(1));
        assert!(!process.load(&cookie).await.exists());
    }
}

/// The counterpart is a moment. Better: every session has one.
#[tokio::test]
async fn a_4_expires_in_is_the_moment_of_the_end() {
    for (store, _folder) in each() {
        let process = Process::on(store);
        let cookie = process.insert("", "a", 1).await;
        process.clock.advance(DAY);
        let session = process.load(&cookie).await;
        assert_eq!(session.expires_at().unwrap().since(process.clock.now()), 13 * DAY);
        assert_eq!(process.load("").await.expires_at(), None);
    }
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    let process = Process::on(rooted(&server.url(), "APP"));
    // As the other side leaves it: with another time to live, or with none.
    for (end, expected) in [(&["EX", "10"][..], 9..=10), (&[], 1_209_599..=1_209_600)] {
        let id = process.backend.generate_session_id().unwrap();
        let id = id.expose(cloakroom::IdFormat::Hex);
        let key = format!("APP:{}", &*id);
        server.cli(&[&["SET", &key, r#"{"a":1}"#], end].concat()).unwrap();
        let session = process.load(&format!("session={}", &*id)).await;
        let left = session.expires_at().unwrap().since(process.clock.now()).as_secs();
        assert!(expected.contains(&left), "{end:?} {left}");
    }
}

/// The same where a store is shared; better: no process takes over an ID that it does not know, and writers in two of them
/// lose nothing.
#[tokio::test]
async fn a_4_processes_share_what_their_store_shares() {
    for (store, folder) in each() {
        let second = match &folder {
            Some(folder) => AnyStore::new(FileStore::new(folder.path().join("kept"))),
            None => store.clone(),
        };
        let [one, other] = [store, second].map(Process::on);
        let cookie = one.insert("", "a", 1).await;
        let sessions = [one.load(&cookie).await, other.load(&cookie).await];
        for (n, session) in sessions.iter().enumerate() {
            session.update("n", |n: &mut u32| *n += 1).unwrap();
            session.insert(&*format!("k{n}"), &n).unwrap();
        }
        one.backend.store_in_message(&sessions[0], 200).await.1.unwrap();
        other.backend.store_in_message(&sessions[1], 200).await.1.unwrap();
        let session = one.load(&cookie).await;
        assert_eq!((session.get("n").unwrap(), session.len()), (Some(2), 4));
    }
}

/// The same for a name that is taken; better: a name that nobody registered is an error with those that are there, and every
/// store is one that the application made.
#[test]
fn a_4_registry_knows_what_was_registered() {
    let mut stores = StoreRegistry::new();
    stores.register("sessions", MemoryStore::new()).unwrap();
    let error = stores.register("sessions", MemoryStore::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateStore);
    let error = stores.get("session").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownStore);
    assert!(error.to_string().contains("sessions"), "{error}");
    assert!(stores.get("sessions").is_ok());
}
