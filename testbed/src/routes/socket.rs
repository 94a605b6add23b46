use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use cloakroom::{Error, ErrorKind, Session};
use serde_json::Value;

/// The close code for a session that has ended.
const SESSION_ENDED: u16 = 4401;

pub(crate) async fn socket(upgrade: WebSocketUpgrade, session: Session) -> Response {
    upgrade.on_upgrade(move |socket| serve(socket, session.detached()))
}

async fn serve(mut socket: WebSocket, session: Session) {
    let exists = session.exists();
    let watched = session.clone();
    let ended = std::pin::pin!(async move {
        if exists {
            watched.ended().await;
        } else {
            // Nothing to end: the socket goes on without a session.
            std::future::pending::<()>().await;
        }
    });
    let mut ended = ended;
    loop {
        let message = tokio::select! {
            () = &mut ended => {
                let frame = CloseFrame { code: SESSION_ENDED, reason: "session ended".into() };
                let _ = socket.send(Message::Close(Some(frame))).await;
                return;
            }
            message = socket.recv() => message,
        };
        let reply = match message {
            Some(Ok(Message::Text(text))) => answer(&session, text.as_str()).await,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            Some(Ok(_)) => continue,
        };
        if socket.send(Message::text(reply)).await.is_err() {
            return;
        }
    }
}

async fn answer(session: &Session, command: &str) -> String {
    match run(session, command).await {
        Ok(reply) => reply,
        Err(error) => format!("error {}", error.kind()),
    }
}

async fn run(session: &Session, command: &str) -> Result<String, Error> {
    let mut words = command.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some("get"), Some(key), None) => {
            // What the session holds now, under what this socket has set: it may have been open for hours.
            match session.reload().await {
                // Ended, or another's since a sign-in: there is nothing to read in it any more.
                Err(error) if error.kind() == ErrorKind::Gone => return Ok("null".to_owned()),
                reloaded => reloaded?,
            }
            Ok(session.get::<Value>(key)?.unwrap_or(Value::Null).to_string())
        }
        (Some("set"), Some(key), Some(json)) => match serde_json::from_str::<Value>(json) {
            Ok(value) => session.insert(key, &value).map(|()| "ok".to_owned()),
            Err(_) => Ok("error json".to_owned()),
        },
        (Some("save"), None, None) => session.save().await.map(|()| "ok".to_owned()),
        (Some("destroy"), None, None) => {
            session.destroy()?;
            session.save().await.map(|()| "ok".to_owned())
        }
        _ => Ok("error command".to_owned()),
    }
}
