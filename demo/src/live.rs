//! `/live`: a socket that tells an open page that its session has ended.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cloakroom::Session;

/// How often a silent connection is tried, so that one whose other end has vanished does not stay for ever.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The page has nothing to say but close and pong.
const MAX_MESSAGE_BYTES: usize = 1024;

/// Opens the socket.
///
/// A request without a signed-in session is not refused: a script cannot see why a handshake failed. It is
/// told at once that there is no session, which is how a page that slept through the end learns of it.
pub(crate) async fn live(
    session: Session,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !is_same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.max_message_size(MAX_MESSAGE_BYTES).on_upgrade(move |socket| watch(socket, session))
}

async fn watch(mut socket: WebSocket, session: Session) {
    if session.exists() && session.subject().is_some() {
        let ended = session.ended();
        tokio::pin!(ended);
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                _ = &mut ended => break,
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                _ = heartbeat.tick() => {
                    if socket.send(Message::Ping(Default::default())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
    // The page may be gone by now, and then there is nobody to tell.
    let _ = socket.send(Message::text("ended")).await;
    let _ = socket.send(Message::Close(None)).await;
}

/// Whether a page of this site asks. Browsers let any site open a socket to any other, cookies included,
/// and the guard on forms lets every GET pass.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
        (Some(_), None) => false,
    }
}
