//! Where sessions are: with Litestar's while it serves, and in records of our own when it no longer does.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::middleware::Next;
use axum::response::Response;
use cloakroom::store::litestar;
use cloakroom::{
    Error, ErrorKind, MaxAge, RedisStoreBuilder, ServerSideSessionBackend, ServerSideSessionConfig,
    Session,
};
use serde_json::{Map, Value};

use crate::shop::USER;

/// What may be wrong with a URL or a setting.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// The sessions of the Litestar application, under its cookie. `shop.py` says `RedisStore.with_client(url=…)` and
/// `ServerSideSessionConfig()`; a `key`, `path`, `domain` or `max_age` that it set would be set here too.
///
/// # Errors
/// If the URL is none.
pub fn shared(redis: &str) -> Result<ServerSideSessionBackend, StartError> {
    let store = litestar::RedisStore::from_url(redis)?;
    Ok(ServerSideSessionBackend::new(store, ServerSideSessionConfig::litestar())?)
}

/// Sessions as one would have them without Litestar: records that hold no ID, and a cookie of another name.
///
/// Behind https this is `ServerSideSessionConfig::default()`. The example speaks plain http.
///
/// # Errors
/// If the URL is none.
pub fn own(redis: &str) -> Result<ServerSideSessionBackend, StartError> {
    let store = RedisStoreBuilder::from_url(redis)?.build()?;
    let config = ServerSideSessionConfig::development().with_key("shop");
    Ok(ServerSideSessionBackend::new(store, config)?)
}

/// How long a session that was brought along is still there: the requests of one page come at once, all with the
/// old cookie, and none of them is to find nothing.
const GRACE: Duration = Duration::from_secs(30);

/// Takes the cookie of [`shared`] away; its `Path` is the one of that configuration.
const NO_OLD_COOKIE: HeaderValue = HeaderValue::from_static("session=; Max-Age=0; Path=/");

/// Brings visitors along who still come with the old cookie: what they had goes to a session of
/// [`own`], and the old one ends soon. Of requests that come at once each makes one; the browser keeps the last.
///
/// # Errors
/// If a store cannot be asked. The old session is as it was until the new one is stored.
pub async fn bring_along(
    State(before): State<ServerSideSessionBackend>,
    session: Session,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    if session.exists() {
        return Ok(next.run(request).await);
    }
    let cookies = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let old = before.load_from_connection(cookies).await?;
    if !old.exists() {
        return Ok(next.run(request).await);
    }
    for (key, value) in old.decode::<Map<String, Value>>()? {
        session.insert(&*key, &value)?;
    }
    if let Some(user) = session.get(USER)? {
        session.sign_in(&user)?;
    }
    session.save().await?;
    old.set_max_age(MaxAge::Lasting(GRACE))?;
    match before.store_in_message(&old, 200).await.1 {
        Err(error) if error.kind() != ErrorKind::Gone => return Err(error),
        _ => {}
    }
    let mut response = next.run(request).await;
    response.headers_mut().append(SET_COOKIE, NO_OLD_COOKIE);
    Ok(response)
}
