//! Sessions as axum extractors.
//!
//! [`Session`] loads the session of the request; `Option<Session>` is `Some` only if there is one already, so
//! that a handler can do without. Errors are responses: 503 with `Retry-After` if the store cannot be asked.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use crate::error::{Error, ErrorKind, Result};
use crate::session::Session;
use crate::tower::{SessionSlot, SkipSession};

async fn session_of(parts: &Parts) -> Result<Session> {
    if parts.extensions.get::<SkipSession>().is_some() {
        return Err(Error::new(ErrorKind::Excluded, "this route is marked to have no session"));
    }
    match parts.extensions.get::<SessionSlot>() {
        Some(slot) => slot.load(&parts.headers).await,
        None => Err(Error::new(
            ErrorKind::NoLayer,
            "the request passed no session layer; add `SessionLayer` outside of this route",
        )),
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        session_of(parts).await
    }
}

/// `Some` only for a session that exists. Where sessions are excluded there is none.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>> {
        match session_of(parts).await {
            Ok(session) => Ok(Some(session).filter(Session::exists)),
            Err(error) if error.kind() == ErrorKind::Excluded => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The error's status with `{"error":"<kind>"}`; the message is for the log, not for a client.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind().http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(error = %self, "request failed for its session");
        }
        let body = format!(r#"{{"error":"{}"}}"#, self.kind());
        let json = HeaderValue::from_static("application/json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
        if self.is_temporary() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self.kind());
        response
    }
}
