//! Who is asking, and what every page shows around its content.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use cloakroom::{Absence, Session};

use crate::app::App;
use crate::cart::Cart;
use crate::error::PageError;
use crate::flash::{self, Flash};
use crate::users::User;

/// A visitor: their session, and who they are if they have signed in.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) session: Session,
    pub(crate) user: Option<Arc<User>>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let session = Session::from_request_parts(parts, app).await?;
        let user = session.subject().and_then(|id| app.users.by_id(&id));
        Ok(Self { session, user })
    }
}

/// A visitor who has signed in; anybody else is sent to do so first.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) session: Session,
    pub(crate) user: Arc<User>,
}

impl FromRequestParts<App> for Member {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let Visit { session, user } = Visit::from_request_parts(parts, app).await?;
        match user {
            Some(user) => Ok(Self { session, user }),
            None => {
                let why = match session.absence() {
                    Some(Absence::Revoked) => "This device was signed out from another one.",
                    Some(Absence::Expired) => "You were away for long. Please sign in again.",
                    _ => "Please sign in first.",
                };
                flash::refused(&session, why)?;
                let come_back = parts.method == Method::GET;
                Err(PageError::SignInFirst(come_back.then(|| parts.uri.path().to_owned())))
            }
        }
    }
}

/// What stands around the content of a page.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// Whether the page does not know whose it is, and so offers neither signing in nor out.
    pub(crate) unknown: bool,
    pub(crate) user: Option<Arc<User>>,
    pub(crate) cart_count: u32,
    pub(crate) flashes: Vec<Flash>,
}

impl Frame {
    /// Reads what the frame shows; messages for this page are taken out of the session.
    pub(crate) fn new(session: &Session, user: Option<Arc<User>>) -> Result<Self, PageError> {
        let flashes = flash::take(session)?;
        Ok(Self { unknown: false, user, cart_count: Cart::of(session)?.count(), flashes })
    }

    /// For a page that cannot, or should not, ask the session.
    pub(crate) fn unknown() -> Self {
        Self { unknown: true, ..Self::default() }
    }
}
