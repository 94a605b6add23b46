//! The page's side of a WebSocket.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

use std::time::Duration;

use cloakroom::testkit::client::{PATIENCE, Visitor};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The cookie that came with the handshake.
    pub(crate) set_cookie: Option<String>,
}

impl Socket {
    pub(crate) async fn open(visitor: &Visitor) -> Self {
        Self::at(visitor, "/ws").await.unwrap()
    }

    /// The status of a handshake that is refused.
    pub(crate) async fn refused(visitor: &Visitor, path: &str) -> u16 {
        match Self::at(visitor, path).await {
            Err(Error::Http(answer)) => answer.status().as_u16(),
            Err(error) => panic!("no answer but {error}"),
            Ok(_) => panic!("{path} was not refused"),
        }
    }

    async fn at(visitor: &Visitor, path: &str) -> Result<Self, Error> {
        let mut request = format!("ws://{}{path}", visitor.address).into_client_request().unwrap();
        if let Some(cookie) = &visitor.cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let stream = TcpStream::connect(visitor.address).await.unwrap();
        let (stream, answer) = tokio_tungstenite::client_async(request, stream).await?;
        let line = answer.headers().get("set-cookie");
        Ok(Self { stream, set_cookie: line.map(|line| line.to_str().unwrap().to_owned()) })
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
