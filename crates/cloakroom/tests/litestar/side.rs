//! Both sides of a shared session.

use cloakroom::store::litestar::{FileStore, RedisStoreBuilder};
use cloakroom::testkit::client::{PATIENCE, Visitor};
use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig, Session};
use cloakroom_servers::{Litestar, RedisServer, required};
use serde_json::Value;
use tempfile::TempDir;

/// A Litestar application and a backend of ours on the same Redis, or the same folder.
pub(crate) struct Sides<K = RedisServer> {
    pub(crate) server: K,
    _app: Litestar,
    pub(crate) litestar: Visitor,
    pub(crate) ours: ServerSideSessionBackend,
}

/// Where both look for sessions.
pub(crate) const LAYOUTS: [(&str, &str, &str); 5] = [
    ("plain", "LITESTAR", "LITESTAR:"),
    ("factory", "LITESTAR", "LITESTAR_sessions:"),
    ("plain", "myapp", "myapp:"),
    ("plain", "", ""),
    ("factory", "", "sessions:"),
];

/// Starts both, in the usual layout; `None` if one of the programs is missing.
pub(crate) fn start() -> Option<Sides> {
    start_in("plain", "LITESTAR")
}

pub(crate) fn start_in(layout: &str, namespace: &str) -> Option<Sides> {
    let server = required("redis-server", RedisServer::start())?;
    let url = server.url();
    let app = required(
        "python3 with litestar",
        Litestar::start(&[
            ("LITESTAR_STORE", &url),
            ("LITESTAR_LAYOUT", layout),
            ("LITESTAR_NAMESPACE", namespace),
        ]),
    )?;
    let store = RedisStoreBuilder::from_url(&url).expect("a URL").with_root_namespace(namespace);
    let mut store = store.build().expect("a store");
    if layout == "factory" {
        store = store.with_namespace("sessions");
    }
    let config = ServerSideSessionConfig::litestar();
    let ours = ServerSideSessionBackend::new(store, config).expect("a configuration");
    Some(Sides { server, litestar: Visitor::at(app.address()), _app: app, ours })
}

/// Starts both on a folder; `None` without Litestar.
pub(crate) fn start_on_folder(layout: &str) -> Option<Sides<TempDir>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kept");
    let environment =
        [("LITESTAR_STORE", path.to_str().expect("a path")), ("LITESTAR_LAYOUT", layout)];
    let app = required("python3 with litestar", Litestar::start(&environment))?;
    let mut store = FileStore::new(&path);
    if layout == "factory" {
        store = store.with_namespace("sessions").expect("letters");
        // Litestar makes no folder for what its registry creates.
        std::fs::create_dir_all(path.join("sessions")).expect("a folder");
    }
    let config = ServerSideSessionConfig::litestar();
    let ours = ServerSideSessionBackend::new(store, config).expect("a configuration");
    Some(Sides { server: folder, litestar: Visitor::at(app.address()), _app: app, ours })
}

impl<K> Sides<K> {
    /// The session of the visitor's cookie, on our side.
    pub(crate) async fn load(&self) -> Session {
        let cookie = self.litestar.cookie.clone().unwrap_or_default();
        self.ours.load_from_connection([cookie.as_bytes()]).await.expect("the server answers")
    }

    /// What a request on our side does, and the cookie that comes back.
    pub(crate) async fn does(&mut self, work: impl FnOnce(&Session)) {
        let session = self.load().await;
        work(&session);
        self.commit(&session).await;
    }

    pub(crate) async fn commit(&mut self, session: &Session) {
        let (headers, outcome) = self.ours.store_in_message(session, 200).await;
        outcome.expect("the server answers");
        if let Some(line) = headers.set_cookie {
            let pair = line.split(';').next().unwrap_or_default().to_owned();
            self.litestar.cookie = (!line.contains("Max-Age=0")).then_some(pair);
        }
    }

    /// What our side sees, as raw values.
    pub(crate) async fn data(&self) -> Value {
        Value::Object(self.load().await.decode().expect("an object"))
    }

    pub(crate) fn id(&self) -> &str {
        self.litestar.cookie.as_ref().and_then(|pair| pair.split_once('=')).expect("a cookie").1
    }
}

/// Starts a Litestar request that waits, and returns when it has loaded the session.
pub(crate) async fn slow_request(sides: &Sides) -> tokio::task::JoinHandle<Value> {
    let mut slow = sides.litestar.clone();
    sides.server.cli(&["CONFIG", "RESETSTAT"]).expect("it runs");
    let request = tokio::spawn(async move { slow.get("/slow?delay=700").await.json() });
    tokio::time::timeout(PATIENCE, async {
        while !sides
            .server
            .cli(&["INFO", "commandstats"])
            .expect("it runs")
            .contains("cmdstat_get:")
        {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it loads");
    request
}
