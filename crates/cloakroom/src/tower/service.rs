use std::fmt;
use std::task::{Context, Poll};

use http::{Request, Response, header};
use tower_service::Service;

use super::{ResponseFuture, SessionSlot};
use crate::backend::ServerSideSessionBackend;
use crate::config::Scope;

/// A service whose requests have sessions; made by [`SessionLayer`](super::SessionLayer).
#[derive(Clone)]
pub struct SessionService<S> {
    inner: S,
    backend: ServerSideSessionBackend,
}

impl<S> SessionService<S> {
    pub(super) fn new(inner: S, backend: ServerSideSessionBackend) -> Self {
        Self { inner, backend }
    }

    fn excludes<B>(&self, request: &Request<B>) -> bool {
        let config = self.backend.config();
        if config.excludes_nothing() {
            return false;
        }
        let scope = match request.headers().contains_key(header::SEC_WEBSOCKET_KEY) {
            true => Scope::Websocket,
            false => Scope::Http,
        };
        config.excludes(scope, request.uri().path())
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let session = (!self.excludes(&request)).then(|| self.backend.untouched());
        let slot = session.clone().map_or_else(SessionSlot::excluded, SessionSlot::ready);
        if request.extensions_mut().insert(slot).is_some() {
            request.extensions_mut().insert(SessionSlot::layer_twice());
            return ResponseFuture::new(self.inner.call(request), None);
        }
        ResponseFuture::new(self.inner.call(request), session)
    }
}

impl<S: fmt::Debug> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
