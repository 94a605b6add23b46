//! The routes, by what they are about.

pub(crate) mod auth;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod socket;
pub(crate) mod stream;

use std::time::Duration;

use axum::Json;
use axum::extract::FromRequest;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

/// How long a route waits between reading and answering.
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

/// A JSON body; anything else is a 400 in JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Response> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| bad_request("the body is not the JSON this route takes"))
    }
}

pub(crate) fn bad_request(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": message}))).into_response()
}

/// A status from a path, without a body.
pub(crate) fn status(code: u16) -> Response {
    match StatusCode::from_u16(code) {
        Ok(status) if (200..600).contains(&code) => status.into_response(),
        _ => bad_request("the status is not 200 to 599"),
    }
}
