//! Requests written byte for byte, a second node, an application of the test's own, and WebSockets.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::common::{Answer, PATIENCE, Testbed, Visitor};

/// The full name of the session cookie by default.
pub(crate) const NAME: &str = "__Host-session";

/// Sends a request whose header lines are these bytes.
pub(crate) async fn ask(at: SocketAddr, start: &str, lines: &[&[u8]], body: &str) -> Answer {
    let mut request = format!("{start} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    let mut request = request.into_bytes();
    for line in lines {
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body.as_bytes());
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    Answer::parse(&bytes)
}

/// What `GET /session` says to `Cookie` lines of these bytes.
pub(crate) async fn session_of(at: SocketAddr, cookies: &[&[u8]]) -> Value {
    let lines: Vec<_> = cookies.iter().map(|cookie| [b"Cookie: ", *cookie].concat()).collect();
    let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
    let answer = ask(at, "GET /session", &lines, "").await;
    assert_eq!((answer.status, answer.set_cookie()), (200, None));
    answer.json()
}

/// Whether a cookie selects a session.
pub(crate) async fn is_alive(at: SocketAddr, cookie: &str) -> bool {
    session_of(at, &[cookie.as_bytes()]).await["exists"] == true
}

/// A visitor with one key, and the value of the cookie.
pub(crate) async fn with_session(testbed: &Testbed, data: &str) -> (Visitor, String) {
    let mut visitor = testbed.visitor();
    visitor.does("/set", data).await;
    let id = visitor.cookie.as_ref().unwrap().split_once('=').unwrap().1.to_owned();
    (visitor, id)
}

/// A visitor who is signed in.
pub(crate) async fn signed_in(testbed: &Testbed, subject: &str) -> Visitor {
    let mut visitor = testbed.visitor();
    visitor.does("/sign-in", &format!(r#"{{"subject":"{subject}"}}"#)).await;
    visitor
}

/// Starts a request of this visitor and returns when the next call of `operation` waits at the gate.
pub(crate) async fn held(
    testbed: &Testbed,
    visitor: &Visitor,
    operation: Operation,
    (method, path, body): (&'static str, &'static str, &'static str),
) -> (JoinHandle<Answer>, Gate) {
    let gate = Gate::new();
    testbed.store.inject(operation, 1, Fault::Wait(gate.clone()));
    let mut visitor = visitor.clone();
    let request = tokio::spawn(async move { visitor.send(method, path, body).await });
    timeout(PATIENCE, gate.reached()).await.unwrap();
    (request, gate)
}

/// Starts a request with a `delay=` and returns when it has loaded its session and waits.
pub(crate) async fn waiting(
    testbed: &Testbed,
    visitor: &Visitor,
    request: (&'static str, &'static str, &'static str),
) -> JoinHandle<Answer> {
    let (request, gate) = held(testbed, visitor, Operation::Load, request).await;
    gate.open();
    // The in-memory store answers at once: whoever asks after it finds it loaded.
    testbed.visitor().get("/untouched").await;
    testbed.visitor().get("/count").await;
    request
}

/// Another node on the same store and clock.
pub(crate) async fn second_node(testbed: &Testbed) -> SocketAddr {
    let backend = backend(testbed, &[]);
    serve(testbed::app(backend)).await
}

/// A backend on the testbed's store and clock, for an application of the test's own.
pub(crate) fn backend(testbed: &Testbed, settings: &[(&str, &str)]) -> ServerSideSessionBackend {
    let config =
        settings.iter().fold(ServerSideSessionConfig::default(), |config, (name, value)| {
            config.set(name, value).unwrap()
        });
    ServerSideSessionBackend::new(testbed.store.clone(), config)
        .unwrap()
        .with_clock(testbed.clock.clone())
}

/// Serves an application.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// The page's side of a WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The cookie that came with the handshake.
    pub(crate) set_cookie: Option<String>,
}

impl Socket {
    pub(crate) async fn open(visitor: &Visitor) -> Self {
        let mut request = format!("ws://{}/ws", visitor.address).into_client_request().unwrap();
        if let Some(cookie) = &visitor.cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let stream = TcpStream::connect(visitor.address).await.unwrap();
        let (stream, answer) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        let line = answer.headers().get("set-cookie");
        Self { stream, set_cookie: line.map(|line| line.to_str().unwrap().to_owned()) }
    }

    async fn next(&mut self, within: Duration) -> Message {
        timeout(within, self.stream.next()).await.expect("in time").unwrap().unwrap()
    }

    /// Sends a command and returns the answer.
    pub(crate) async fn say(&mut self, command: &str) -> String {
        self.stream.send(Message::text(command)).await.unwrap();
        self.next(PATIENCE).await.into_text().unwrap().to_string()
    }

    /// The code of the close that must come within this time.
    pub(crate) async fn closed(&mut self, within: Duration) -> u16 {
        match self.next(within).await {
            Message::Close(Some(frame)) => frame.code.into(),
            other => panic!("no close but {other:?}"),
        }
    }
}
