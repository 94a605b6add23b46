//! A testbed of its own for each test, and visitors who speak to it over a socket.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

use std::net::SocketAddr;
use std::time::Duration;

use cloakroom::testkit::{FaultyStore, TestClock};
use cloakroom::{MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything here takes, so that a hang is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running application whose store and clock obey the test.
pub(crate) struct Testbed {
    pub(crate) address: SocketAddr,
    pub(crate) store: FaultyStore<MemoryStore>,
    pub(crate) clock: TestClock,
}

impl Testbed {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts it with settings, as `--set` takes them.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let config = settings
            .iter()
            .try_fold(ServerSideSessionConfig::default(), |config, (name, value)| {
                config.set(name, value)
            })
            .unwrap();
        let (store, clock) = (FaultyStore::new(MemoryStore::new()), TestClock::new());
        let backend = ServerSideSessionBackend::new(store.clone(), config).unwrap();
        let app = testbed::app(backend.with_clock(clock.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, store, clock }
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor { address: self.address, cookie: None }
    }

    /// The number of live sessions, as the testbed tells it.
    pub(crate) async fn live(&self) -> Value {
        self.visitor().get("/count").await.json()["live"].clone()
    }
}

/// Someone who keeps the session cookie. A clone is another tab of the same browser.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) address: SocketAddr,
    /// `name=value`, as it goes into a `Cookie` header.
    pub(crate) cookie: Option<String>,
}

impl Visitor {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, cookie: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send("POST", path, body).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, "").await
    }

    /// Posts and expects a 204.
    pub(crate) async fn does(&mut self, path: &str, body: &str) {
        let answer = self.post(path, body).await;
        assert_eq!((answer.status, &*answer.body), (204, ""), "POST {path}");
    }

    pub(crate) async fn session(&mut self) -> Value {
        let answer = self.get("/session").await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    pub(crate) async fn data(&mut self) -> Value {
        self.session().await["data"].take()
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let answer = self.request(method, path, body).await;
        if let Some(line) = answer.set_cookie() {
            let pair = line.split(';').next().unwrap();
            self.cookie = (!line.contains("Max-Age=0")).then(|| pair.to_owned());
        }
        answer
    }

    async fn request(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = self.open(method, path, body).await;
        let mut bytes = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
        Answer::parse(&bytes)
    }

    /// Sends a request and leaves the answer to the caller.
    pub(crate) async fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let cookie =
            self.cookie.as_ref().map(|pair| format!("Cookie: {pair}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{cookie}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        stream
    }
}

/// An answer, read to the end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: body.to_owned() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(body);
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next();
        assert!(found.next().is_none(), "{name} is there twice");
        first.map(|(_, value)| &**value)
    }

    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.header("set-cookie")
    }

    /// Whether the answer takes the cookie away.
    pub(crate) fn expires_cookie(&self) -> bool {
        self.set_cookie().is_some_and(|line| line.contains("Max-Age=0"))
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_str(&self.body).unwrap()
    }

    /// The status, and what stands in `{"error":…}`.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap().to_owned())
    }
}

/// The body of a chunked answer that was sent to its end; one that was cut off is a failure.
fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
}
