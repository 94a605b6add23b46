//! Visitors who speak HTTP/1.1 over a socket, byte for byte, so that they belong to no framework.
//!
//! # Panics
//! Everything here panics when there is no answer within [`PATIENCE`], or one that is no HTTP.
#![allow(
    clippy::missing_panics_doc,
    reason = "said once above: a test stops where it cannot go on"
)]

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub use super::answer::Answer;

/// How long to wait for an event: longer than anything here takes, so that a hang is a failure.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Someone who keeps the session cookie. A clone is another tab of the same browser.
///
/// # Examples
/// ```no_run
/// # async fn f() {
/// use cloakroom::testkit::client::Visitor;
///
/// let mut visitor = Visitor::at(([127, 0, 0, 1], 4000).into());
/// visitor.does("/set", r#"{"name":"Ada"}"#).await;
/// assert_eq!(visitor.get("/key/name").await.json(), "Ada");
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Where the requests go.
    pub address: SocketAddr,
    /// `name=value`, as it goes into a `Cookie` header.
    pub cookie: Option<String>,
}

impl Visitor {
    /// Someone without a cookie.
    pub fn at(address: SocketAddr) -> Self {
        Self { address, cookie: None }
    }

    /// Gets a path.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    /// Posts a body.
    pub async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send("POST", path, body).await
    }

    /// Deletes what is at a path.
    pub async fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, "").await
    }

    /// Posts and expects a 204.
    pub async fn does(&mut self, path: &str, body: &str) {
        let answer = self.post(path, body).await;
        assert_eq!((answer.status, &*answer.body), (204, ""), "POST {path}");
    }

    /// What `GET /session` says.
    pub async fn session(&mut self) -> Value {
        let answer = self.get("/session").await;
        assert_eq!(answer.status, 200, "GET /session");
        answer.json()
    }

    /// The data that `GET /session` shows.
    pub async fn data(&mut self) -> Value {
        self.session().await["data"].take()
    }

    /// Sends a request, and takes the cookie that comes back as a browser does.
    pub async fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = self.open(method, path, body).await;
        let answer = Answer::read(&mut stream).await;
        if let Some(pair) = answer.cookie_pair() {
            self.cookie = (!answer.expires_cookie()).then(|| pair.to_owned());
        }
        answer
    }

    /// Sends a request and leaves the answer to the caller.
    pub async fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let line = self.cookie.as_ref().map(|pair| format!("Cookie: {pair}"));
        let lines: Vec<_> = line.iter().map(String::as_bytes).collect();
        request(self.address, &format!("{method} {path}"), &lines, body).await
    }
}

/// Sends a request of these header lines, whatever bytes they are; `start` is `GET /path`.
pub async fn ask(at: SocketAddr, start: &str, lines: &[&[u8]], body: &str) -> Answer {
    Answer::read(&mut request(at, start, lines, body).await).await
}

/// What `GET /session` says to `Cookie` lines of these bytes; it must set no cookie.
pub async fn session_of(at: SocketAddr, cookies: &[&[u8]]) -> Value {
    let lines: Vec<_> = cookies.iter().map(|cookie| [b"Cookie: ", *cookie].concat()).collect();
    let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
    let answer = ask(at, "GET /session", &lines, "").await;
    assert_eq!((answer.status, answer.set_cookie()), (200, None), "GET /session");
    answer.json()
}

/// Whether a cookie, `name=value`, selects a session.
pub async fn is_alive(at: SocketAddr, cookie: &str) -> bool {
    session_of(at, &[cookie.as_bytes()]).await["exists"] == true
}

async fn request(at: SocketAddr, start: &str, lines: &[&[u8]], body: &str) -> TcpStream {
    let head = format!(
        "{start} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    let mut request = head.into_bytes();
    for line in lines {
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body.as_bytes());
    in_time(async move {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(&request).await?;
        Ok(stream)
    })
    .await
}

/// All that a connection still says.
pub(super) async fn rest_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    in_time(stream.read_to_end(&mut bytes)).await;
    bytes
}

async fn in_time<T>(work: impl Future<Output = std::io::Result<T>>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.expect("an answer in time").expect("a connection that holds")
}
