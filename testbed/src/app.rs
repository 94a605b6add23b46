//! The router.

use std::any::Any;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use axum::{Extension, Json, Router};
use cloakroom::{ErrorKind, ServerSideSessionBackend, SessionLayer, SkipSession};
use tower_http::catch_panic::CatchPanicLayer;

use crate::routes::{auth, data, devices, socket, stream};

/// The whole application on a backend.
///
/// A panic becomes a response inside the session layer, which then sees an ordinary 500.
pub fn app(backend: ServerSideSessionBackend) -> Router {
    Router::new()
        .route("/untouched", get(|| async { "ok" }))
        .route("/session", get(data::session))
        .route("/public/", get(data::session))
        .route("/public/{*rest}", get(data::session))
        .route("/key/{k}", get(data::key).delete(data::remove))
        .route("/set", post(data::set))
        .route("/clear", post(data::clear))
        .route("/incr/{k}", post(data::increment))
        .route("/push/{k}", post(data::push))
        .route("/slow/{k}", post(data::slow_write))
        .route("/slow", get(data::slow_read))
        .route("/status/{code}", post(data::set_with_status))
        .route("/panic", post(data::panic))
        .route("/destroy", post(auth::destroy))
        .route("/destroy/status/{code}", post(auth::destroy_with_status))
        .route("/cycle", post(auth::cycle))
        .route("/sign-in", post(auth::sign_in))
        .route("/sign-out", post(auth::sign_out))
        .route("/sign-out/status/{code}", post(auth::sign_out_with_status))
        .route("/max-age", post(auth::max_age))
        .route("/devices", get(devices::list))
        .route("/devices/{handle}", delete(devices::revoke))
        .route("/devices/revoke-others", post(devices::revoke_others))
        .route("/subjects/{s}/revoke", post(devices::revoke_subject))
        .route("/count", get(devices::count))
        .route("/purge", post(devices::purge))
        .route("/skip", get(data::skip).layer(Extension(SkipSession)))
        .route("/stream", get(stream::stream))
        .route("/ws", any(socket::socket))
        .route("/metrics", get(no_metrics))
        .with_state(backend.clone())
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(SessionLayer::from_backend(backend))
        .layer(middleware::map_response(describe_failure))
}

async fn no_metrics() -> Response {
    (StatusCode::NOT_IMPLEMENTED, Json(serde_json::json!({"error": "metrics are not there yet"})))
        .into_response()
}

fn after_panic(_: Box<dyn Any + Send>) -> axum::http::Response<Body> {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(serde_json::json!({"error": "panic"}))).into_response()
}

/// Gives the empty response of a session that could not be stored its JSON body.
///
/// An update that no longer finds an integer or a list when it is replayed is refused as the route would
/// have refused it.
async fn describe_failure(mut response: Response) -> Response {
    let Some(kind) = response.extensions().get::<ErrorKind>().copied() else { return response };
    if !response.headers().contains_key(header::CONTENT_TYPE) {
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().remove(header::CONTENT_LENGTH);
        if kind == ErrorKind::Type {
            *response.status_mut() = StatusCode::CONFLICT;
        }
        *response.body_mut() = Body::from(serde_json::json!({"error": kind.name()}).to_string());
    }
    response
}
