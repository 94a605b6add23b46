use axum::body::Body;
use axum::response::Response;
use cloakroom::{Error, ErrorKind, Session};
use futures_util::stream;

/// Sends the head, then saves from within the body.
pub(crate) async fn stream(session: Session) -> Response {
    let body = stream::once(async move {
        // A body that is not ready at once makes the server send the head before it asks again.
        tokio::task::yield_now().await;
        match save_late(&session).await {
            // Ended while the response was under way: nothing is stored, and nothing else is wrong.
            Err(error) if error.kind() != ErrorKind::Gone => Err(error),
            _ => Ok("ok"),
        }
    });
    Response::new(Body::from_stream(body))
}

async fn save_late(session: &Session) -> Result<(), Error> {
    let late = session.detached();
    if late.exists() {
        late.insert("streamed", &true)?;
        late.save().await?;
    }
    Ok(())
}
