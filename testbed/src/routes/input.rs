//! What routes take; whatever they cannot take is answered in JSON before anything is done.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

/// One segment of the path.
pub(crate) struct Segment<T>(pub(crate) T);

/// The status to answer, 200 to 599, without a body.
pub(crate) struct Code(StatusCode);

/// How long a route waits between reading and answering: `?delay=ms`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Delay {
    #[serde(default)]
    delay: u64,
}

impl Delay {
    pub(crate) async fn wait(&self) {
        tokio::time::sleep(Duration::from_millis(self.delay)).await;
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let bytes = match axum::body::Bytes::from_request(request, state).await {
            Ok(bytes) => bytes,
            Err(cut) if cut.status() == StatusCode::PAYLOAD_TOO_LARGE => return Err(too_large()),
            Err(_) => return Err(bad_request("the body could not be read")),
        };
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            // The parser stops at a depth of its own, beyond that of any session; it has no kind for it.
            match error.to_string().starts_with("recursion limit exceeded") {
                true => too_large(),
                false => bad_request("the body is not the JSON this route takes"),
            }
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segment<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segment)) => Ok(Self(segment)),
            Err(_) => Err(bad_request("the path has a part that this route does not take")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Delay {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(delay)) => Ok(delay),
            Err(_) => Err(bad_request("`delay` is a whole number of milliseconds")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Code {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Segment(code) = Segment::<u16>::from_request_parts(parts, state).await?;
        match StatusCode::from_u16(code) {
            Ok(status) if (200..600).contains(&code) => Ok(Self(status)),
            _ => Err(bad_request("the status is not 200 to 599")),
        }
    }
}

impl IntoResponse for Code {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

pub(crate) fn bad_request(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": message}))).into_response()
}

fn too_large() -> Response {
    let kind = cloakroom::ErrorKind::TooLarge.name();
    (StatusCode::PAYLOAD_TOO_LARGE, Json(json!({"error": kind}))).into_response()
}
