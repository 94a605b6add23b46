//! Pages for when something is in the way.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::visit::{Frame, Visit};

/// Why a page could not be shown.
#[derive(Debug)]
pub(crate) enum PageError {
    /// The session could not be read or changed.
    Session(cloakroom::Error),
    /// The page could not be written out.
    Template(askama::Error),
    /// The page is for members; the path is where to come back to.
    SignInFirst(Option<String>),
    /// The form names something that is not there.
    NotFound,
    /// Too many passwords at once.
    Busy,
}

impl From<cloakroom::Error> for PageError {
    fn from(error: cloakroom::Error) -> Self {
        Self::Session(error)
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Template(error)
    }
}

impl From<crate::passwords::Busy> for PageError {
    fn from(_: crate::passwords::Busy) -> Self {
        Self::Busy
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            // It knows its status and when to try again, and `dress` gives it a page.
            Self::Session(error) => error.into_response(),
            Self::Template(error) => {
                tracing::error!(%error, "a page could not be rendered");
                plain(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::SignInFirst(None) => Redirect::to("/sign-in").into_response(),
            Self::SignInFirst(Some(path)) => {
                // Paths of members' pages are plain ASCII, so nothing needs escaping.
                Redirect::to(&format!("/sign-in?next={path}")).into_response()
            }
            Self::NotFound => plain(StatusCode::NOT_FOUND),
            Self::Busy => plain(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    title: &'static str,
    advice: &'static str,
}

/// The page for a path that leads nowhere; the visitor stays signed in on it.
pub(crate) async fn not_found(visit: Visit) -> Result<Response, PageError> {
    let frame = Frame::new(&visit.session, visit.user)?;
    Ok(page(StatusCode::NOT_FOUND, frame))
}

/// Gives a bare refusal the looks of the site.
///
/// Not every refusal comes from a page: the guard against requests from other sites has its own, and so
/// have the session layer, when a change could not be stored, and axum, for a form that lacks a field.
pub(crate) async fn dress(response: Response) -> Response {
    let status = response.status();
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut bare, _) = response.into_parts();
    let (dressed, body) = plain(status).into_parts();
    // What else the refusal says, such as Retry-After or Allow, still holds; its length does not.
    bare.headers.remove(header::CONTENT_LENGTH);
    bare.headers.extend(dressed.headers);
    Response::from_parts(bare, body)
}

/// A page that does not look at the session, which may be what is broken.
fn plain(status: StatusCode) -> Response {
    page(status, Frame::unknown())
}

fn page(status: StatusCode, frame: Frame) -> Response {
    let (title, advice) = match status {
        StatusCode::NOT_FOUND => {
            ("Nothing hangs here", "The page or product you asked for is not in this shop.")
        }
        StatusCode::FORBIDDEN => (
            "That came from another site",
            "The form was sent from a page that is not part of this shop, so nothing was done.",
        ),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            ("The counter is busy", "Nothing was lost. Wait a moment and try again.")
        }
        _ if status.is_client_error() => {
            ("That cannot be done", "The request made no sense to the shop. Nothing was changed.")
        }
        _ => ("Something went wrong", "It is our fault, not yours. What you did was not kept."),
    };
    match (ErrorPage { frame, title, advice }).render() {
        Ok(html) => (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(_) => (status, title).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bare_refusal_gets_a_page_and_keeps_its_advice() {
        let bare = (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]);
        let dressed = dress(bare.into_response()).await;
        assert_eq!(dressed.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(dressed.headers()[header::RETRY_AFTER], "1");
        assert_eq!(dressed.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    }

    #[tokio::test]
    async fn an_answer_is_left_alone() {
        let answer = dress(([(header::CONTENT_TYPE, "text/css")], "body{}").into_response()).await;
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/css");
    }
}
