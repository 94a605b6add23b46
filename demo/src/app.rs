//! The site, put together: routes, and the layers around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::{get, post};
use cloakroom::{ServerSideSessionConfig, SessionLayer, Sessions};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::pages::{account, cart, devices, shop};
use crate::users::Users;
use crate::{assets, error, live};

/// Everything the pages load must come from this site; nothing inline, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; \
     base-uri 'none'";

/// The largest form of the site is a sign-up with the longest name, address and password, far below this.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// A page view within this of the last one does not renew the session again.
const LAST_SEEN_EXACT_TO: Duration = Duration::from_secs(60);

/// What every request shares: the accounts, and all sessions there are.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) users: Arc<Users>,
    pub(crate) sessions: Sessions,
}

impl App {
    /// A shop nobody has signed up to yet.
    pub fn new(sessions: Sessions) -> Self {
        Self { users: Arc::new(Users::new()), sessions }
    }
}

/// How the shop keeps sessions: over plain http, since it runs on one's own machine, and with a "last seen"
/// exact to the minute, since people read it on the page of their devices.
pub fn config() -> ServerSideSessionConfig {
    ServerSideSessionConfig::development()
        .with_renew_on_access(true)
        .with_renew_every(LAST_SEEN_EXACT_TO)
}

/// The whole site.
pub fn app(layer: SessionLayer, app: App) -> Router {
    let pages = Router::new()
        .route("/", get(shop::show))
        .route("/cart", get(cart::show))
        .route("/cart/add", post(cart::add))
        .route("/cart/set", post(cart::set))
        .route("/cart/remove", post(cart::remove))
        .route("/cart/check-out", post(cart::check_out))
        .route("/sign-up", get(account::sign_up_form).post(account::sign_up))
        .route("/sign-in", get(account::sign_in_form).post(account::sign_in))
        .route("/sign-out", post(account::sign_out))
        .route("/devices", get(devices::show))
        .route("/devices/revoke", post(devices::revoke))
        .route("/devices/revoke-others", post(devices::revoke_others))
        .route("/devices/sign-out-everywhere", post(devices::sign_out_everywhere))
        .route("/live", get(live::live))
        .merge(assets::routes())
        .fallback(error::not_found)
        .with_state(app)
        .layer(layer)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        // Outside the session layer, so that a request from another site never reaches a session.
        .layer(CsrfLayer::new())
        // Outside both, since both answer with a bare status.
        .layer(axum::middleware::map_response(error::dress));

    [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ]
    .into_iter()
    .fold(pages, |pages, (name, value)| {
        pages.layer(SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value)))
    })
}
