//! A Litestar application and the program on the same Redis, or the same folder, and a browser that uses both.

use std::net::SocketAddr;
use std::path::PathBuf;

use cloakroom::testkit::client::{Answer, PATIENCE, Visitor};
use cloakroom_servers::{Litestar, RedisServer, required};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::process::Process;

/// A row of the table of `docs/litestar.md`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// How Litestar has its store: `plain`, or by a registry's `factory`.
    made: &'static str,
    /// Its namespace, where it has one.
    namespace: &'static str,
    /// What the URL of ours says of it.
    query: &'static str,
    /// What is before an ID in its key, or the folder of the files.
    pub(crate) place: &'static str,
}

const fn layout(
    made: &'static str,
    namespace: &'static str,
    query: &'static str,
    place: &'static str,
) -> Layout {
    Layout { made, namespace, query, place }
}

pub(crate) const ON_REDIS: [Layout; 6] = [
    layout("plain", "LITESTAR", "", "LITESTAR:"),
    layout("plain", "LITESTAR", "?namespace=LITESTAR&max_age=14d", "LITESTAR:"),
    layout("factory", "LITESTAR", "?namespace=LITESTAR_sessions", "LITESTAR_sessions:"),
    layout("plain", "myapp", "?namespace=myapp", "myapp:"),
    layout("plain", "", "?namespace=", ""),
    layout("factory", "", "?namespace=sessions", "sessions:"),
];

pub(crate) const IN_FOLDERS: [Layout; 2] = [
    layout("plain", "", "", "kept"),
    layout("factory", "", "?namespace=sessions", "kept/sessions"),
];

/// Both programs, and what they share.
pub(crate) struct Sides {
    _litestar: Litestar,
    _ours: Process,
    redis: Option<RedisServer>,
    folder: TempDir,
    layout: Layout,
    /// The store of the program, for another one with other settings.
    pub(crate) store: String,
    pub(crate) browser: Browser,
}

/// Both on a Redis of their own; `None` if one of the programs is missing.
pub(crate) async fn on_redis(layout: Layout) -> Option<Sides> {
    let redis = required("redis-server", RedisServer::start())?;
    let address = redis.url();
    let url = format!("litestar+{address}/0{}", layout.query);
    start(layout, &address, &url, Some(redis), tempfile::tempdir().expect("a folder")).await
}

/// Both on a folder of their own; `None` without Litestar.
pub(crate) async fn in_folder(layout: Layout) -> Option<Sides> {
    let folder = tempfile::tempdir().expect("a folder");
    // Litestar makes no folder for what its registry creates.
    std::fs::create_dir_all(folder.path().join(layout.place)).expect("a folder");
    let kept = folder.path().join("kept").display().to_string();
    let url = format!("litestar+file:{kept}{}", layout.query);
    start(layout, &kept, &url, None, folder).await
}

async fn start(
    layout: Layout,
    theirs: &str,
    ours: &str,
    redis: Option<RedisServer>,
    folder: TempDir,
) -> Option<Sides> {
    let environment = [
        ("LITESTAR_STORE", theirs),
        ("LITESTAR_LAYOUT", layout.made),
        ("LITESTAR_NAMESPACE", layout.namespace),
    ];
    let litestar = required("python3 with litestar", Litestar::start(&environment))?;
    let process = Process::start(&["--store", ours, "--set", "preset=litestar"]).await;
    let browser = Browser { here: process.address, there: litestar.address(), cookie: None };
    let (store, _ours, _litestar) = (ours.to_owned(), process, litestar);
    Some(Sides { _litestar, _ours, redis, folder, layout, store, browser })
}

impl Sides {
    /// The keys, or the files, that hold sessions.
    pub(crate) fn kept(&self) -> Vec<String> {
        match &self.redis {
            Some(redis) => {
                let pattern = format!("{}*", self.layout.place);
                let keys = redis.cli(&["KEYS", &pattern]).expect("it runs");
                let ours = |key: &&str| key.starts_with("cloakroom-litestar");
                keys.lines()
                    .filter(|key| !key.is_empty() && !ours(key))
                    .map(str::to_owned)
                    .collect()
            }
            None => std::fs::read_dir(self.folder.path().join(self.layout.place))
                .expect("the folder")
                .map(|file| file.expect("a file").file_name().into_string().expect("hexadecimal"))
                .filter(|name| name.len() == 64)
                .collect(),
        }
    }

    /// Starts a request of Litestar's that has loaded the session of the browser, and waits.
    pub(crate) async fn held(&self, name: &str) -> Held {
        let path = |what: &str| self.folder.path().join(format!("{name}-{what}"));
        let (begun, until) = (path("begun"), path("until"));
        let mut browser = self.browser.clone();
        let asked = format!("/held?begun={}&until={}", begun.display(), until.display());
        let answer = tokio::spawn(async move { browser.there("GET", &asked, "").await.json() });
        timeout(PATIENCE, async {
            while !begun.exists() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it loads");
        Held { until, answer }
    }
}

/// A request of Litestar's in the middle.
pub(crate) struct Held {
    until: PathBuf,
    answer: JoinHandle<Value>,
}

impl Held {
    /// Lets it go on: it stores the session as it was when it began, which it returns.
    pub(crate) async fn released(self) -> Value {
        std::fs::write(self.until, "").expect("a file");
        self.answer.await.expect("an answer")
    }
}

/// One browser, which a proxy sends to either side. A clone is another tab, or what a thief copied.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    here: SocketAddr,
    there: SocketAddr,
    pub(crate) cookie: Option<String>,
}

impl Browser {
    /// Sends a request to the program.
    pub(crate) async fn here(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.send(self.here, method, path, body).await
    }

    /// Sends a request to Litestar.
    pub(crate) async fn there(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.send(self.there, method, path, body).await
    }

    /// Posts to the program and expects that it is done.
    pub(crate) async fn does_here(&mut self, path: &str, body: &str) {
        let answer = self.here("POST", path, body).await;
        assert!(
            (200..300).contains(&answer.status),
            "POST {path}: {} {}",
            answer.status,
            answer.body
        );
    }

    /// Posts to Litestar and expects that it is done.
    pub(crate) async fn does_there(&mut self, path: &str, body: &str) {
        let answer = self.there("POST", path, body).await;
        assert_eq!(answer.status, 204, "POST {path}: {}", answer.body);
    }

    /// The whole description of the session here.
    pub(crate) async fn session(&self) -> Value {
        self.clone().here("GET", "/session", "").await.json()
    }

    /// Checks what both sides read, ours first: a read of Litestar's is a write.
    pub(crate) async fn check(&mut self, expected: Value) {
        assert_eq!(self.session().await["data"], expected, "here");
        assert_eq!(self.there("GET", "/session", "").await.json(), expected, "there");
    }

    /// Checks that the cookie selects nothing on either side.
    pub(crate) async fn check_gone(&mut self) {
        assert_eq!(self.session().await["exists"], false, "here");
        assert_eq!(self.there("GET", "/session", "").await.json(), json!({}), "there");
    }

    async fn send(&mut self, address: SocketAddr, method: &str, path: &str, body: &str) -> Answer {
        let mut visitor = Visitor { address, cookie: self.cookie.take() };
        let answer = visitor.send(method, path, body).await;
        self.cookie = visitor.cookie;
        answer
    }
}
