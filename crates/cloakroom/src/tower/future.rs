use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Response, StatusCode, header};
use pin_project_lite::pin_project;

use super::headers;
use crate::backend::Closed;
use crate::error::{Error, Result};
use crate::session::state::Shared;
use crate::store::BoxFuture;

pin_project! {
    /// The response of a [`SessionService`](super::SessionService): the inner one, after its session was
    /// committed. Boxes a future only if there is something to commit.
    pub struct ResponseFuture<F, B> {
        #[pin]
        inner: F,
        unanswered: Unanswered<B>,
    }
}

/// A response that waits until its session is stored.
struct Commit<B> {
    response: Response<B>,
    stored: BoxFuture<'static, Result<()>>,
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn new(inner: F, session: Option<Arc<Shared>>) -> Self {
        Self { inner, unanswered: Unanswered { session, commit: None } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Unanswered { session, commit } = this.unanswered;
        if commit.is_none() {
            let mut response = match ready!(this.inner.poll(cx)) {
                Ok(response) => response,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let Some(shared) = &*session else { return Poll::Ready(Ok(response)) };
            let keep = shared.backend.keeps_changes(response.status().as_u16());
            match shared.backend.close(shared, keep) {
                Closed::Unused => {
                    *session = None;
                    return Poll::Ready(Ok(response));
                }
                Closed::Unchanged => {
                    headers::apply(&mut response, shared);
                    *session = None;
                    return Poll::Ready(Ok(response));
                }
                Closed::Changed => {}
            }
            let committed = shared.clone();
            let stored = Box::pin(async move { committed.backend.commit(&committed, keep).await });
            *commit = Some(Commit { response, stored });
        }
        let (Some(commit), Some(shared)) = (commit.as_mut(), &*session) else {
            unreachable!("a commit is only begun for a session");
        };
        let stored = ready!(commit.stored.as_mut().poll(cx));
        let mut response = std::mem::take(&mut commit.response);
        if let Err(error) = stored {
            response = failed(&error);
        }
        headers::apply(&mut response, shared);
        Poll::Ready(Ok(response))
    }
}

/// The response when a session could not be stored: what the handler made would promise too much.
fn failed<B: Default>(error: &Error) -> Response<B> {
    // What a visitor can be refused for at any time must not fill the log.
    if error.kind().http_status() < 500 {
        tracing::debug!(%error, "session was refused; the response was replaced");
    } else {
        tracing::error!(%error, "session could not be stored; the response was replaced");
    }
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::from_u16(error.kind().http_status())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if error.is_temporary() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response.extensions_mut().insert(error.kind());
    response
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// The session of a request whose response is not out yet, and what stores it.
///
/// If the response is never made (the client went away, the handler panicked), data is dropped with it; an
/// end of the session takes effect all the same, and so does a limit on the sessions of whoever was being signed in.
struct Unanswered<B> {
    session: Option<Arc<Shared>>,
    commit: Option<Commit<B>>,
}

impl<B> Drop for Unanswered<B> {
    fn drop(&mut self) {
        let Some(shared) = self.session.take() else { return };
        let goes_on = shared.backend.goes_on(&shared);
        // Dropped where it does not: then it is known what may have been stored.
        let rest = self.commit.take().filter(|_| goes_on).map(|commit| commit.stored);
        if rest.is_none() && !shared.backend.owes(&shared) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                // A failure is an event of its own; nobody is left to be told.
                if let Some(rest) = rest {
                    let _ = rest.await;
                }
                let _ = shared.backend.commit(&shared, false).await;
            })),
            Err(_) => tracing::error!(
                "a request was dropped that has a session to end, and there is no runtime to end it on"
            ),
        }
    }
}
