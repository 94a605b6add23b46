use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cloakroom::{Error, ServerSideSessionBackend, Session, SessionHandle};
use serde_json::{Value, json};

use super::input::{Segment, bad_request};

type Answer<T = Response> = Result<T, Error>;

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({"error": "nobody is signed in"}))).into_response()
}

pub(crate) async fn list(
    State(backend): State<ServerSideSessionBackend>,
    session: Session,
) -> Answer {
    let Some(subject) = session.subject() else { return Ok(unauthorized()) };
    let devices: Vec<Value> = backend
        .sessions()
        .of(&subject)
        .await?
        .into_iter()
        .map(|info| {
            json!({
                "handle": info.handle,
                "current": Some(info.handle) == session.handle(),
                "label": info.labels.get("label"),
                "created_at": info.created_at,
                "last_seen_at": info.last_seen_at,
            })
        })
        .collect();
    Ok(Json(devices).into_response())
}

pub(crate) async fn revoke(
    State(backend): State<ServerSideSessionBackend>,
    session: Session,
    Segment(handle): Segment<String>,
) -> Answer {
    let Some(subject) = session.subject() else { return Ok(unauthorized()) };
    let Ok(handle) = handle.parse::<SessionHandle>() else {
        return Ok(bad_request("a handle is 32 lower-case hexadecimal digits"));
    };
    let revoked = backend.sessions().revoke_of(&subject, handle).await?;
    Ok(if revoked { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }.into_response())
}

pub(crate) async fn revoke_others(
    State(backend): State<ServerSideSessionBackend>,
    session: Session,
) -> Answer {
    if session.subject().is_none() {
        return Ok(unauthorized());
    }
    let revoked = backend.sessions().revoke_others(&session).await?;
    Ok(Json(json!({"revoked": revoked})).into_response())
}

pub(crate) async fn revoke_subject(
    State(backend): State<ServerSideSessionBackend>,
    Segment(subject): Segment<String>,
) -> Answer {
    let revoked = backend.sessions().revoke_all(&subject).await?;
    Ok(Json(json!({"revoked": revoked})).into_response())
}

pub(crate) async fn count(State(backend): State<ServerSideSessionBackend>) -> Answer {
    Ok(Json(json!({"live": backend.sessions().count().await?})).into_response())
}

pub(crate) async fn purge(State(backend): State<ServerSideSessionBackend>) -> Answer {
    Ok(Json(json!({"deleted": backend.sessions().delete_expired().await?})).into_response())
}
