use axum::body::Body;
use axum::response::Response;
use cloakroom::{Error, Session};
use futures_util::stream;

/// Sends the head, then saves from within the body.
pub(crate) async fn stream(session: Session) -> Response {
    let body = stream::once(async move {
        let late = session.detached();
        if late.exists() {
            late.insert("streamed", &true)?;
            late.save().await?;
        }
        Ok::<_, Error>("ok")
    });
    Response::new(Body::from_stream(body))
}
