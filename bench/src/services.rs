//! The three services: bare, with our layer, with the peer's.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::{
    Clock, MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig, SessionLayer,
    SessionSlot, SystemClock,
};
use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, service_fn};
use tower_sessions::cookie::time;
use tower_sessions::{Expiry, SessionManagerLayer};

/// A service of the bench, whatever its layers.
pub type Bench = BoxCloneSyncService<Request<()>, Response<()>, Infallible>;
type Answer = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>> + Send>>;

/// What a handler does with its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leaves it alone.
    Nothing,
    /// Reads one key.
    Read,
    /// Inserts one key.
    Write,
    /// Inserts this many keys of this many bytes each.
    Fill(usize, usize),
}

/// The action of a request, in its extensions; and which request of its session this is, counted from zero.
#[derive(Debug, Clone, Copy)]
pub struct Do(pub Action, pub u64);

/// What the writes insert in turn: each changes what the session holds. The peer does not save what is as it was.
const VALUES: [&str; 2] = ["another value, not long", "and yet another, as long"];

fn key(n: usize) -> String {
    format!("key{n:02}")
}

/// The handler alone.
#[must_use]
pub fn bare() -> Bench {
    BoxCloneSyncService::new(service_fn(|_: Request<()>| -> Answer {
        Box::pin(async { Ok(Response::new(())) })
    }))
}

/// With our layer and memory store.
#[must_use]
pub fn ours(renewal: bool) -> Bench {
    let config = ServerSideSessionConfig::default()
        .with_max_bytes(128 * 1024)
        .with_renew_on_access(renewal)
        .with_renew_every(Duration::from_millis(1));
    let backend = ServerSideSessionBackend::new(MemoryStore::new(), config).unwrap();
    // The system's time, and a millisecond more at each look: visits of one session are never in the same
    // millisecond, where a write would leave the deadline alone and hand out no cookie.
    let looks = AtomicU64::new(0);
    let backend = backend.with_clock(move || {
        let looks = looks.fetch_add(1, Ordering::Relaxed);
        SystemClock.now().plus(Duration::from_millis(looks))
    });
    BoxCloneSyncService::new(SessionLayer::from_backend(backend).layer(service_fn(our_handler)))
}

fn our_handler(request: Request<()>) -> Answer {
    Box::pin(async move {
        let Do(action, turn) = *request.extensions().get::<Do>().unwrap();
        if action == Action::Nothing {
            return Ok(Response::new(()));
        }
        let slot = request.extensions().get::<SessionSlot>().unwrap();
        let session = slot.load(request.headers()).await.unwrap();
        match action {
            Action::Nothing => {}
            Action::Read => assert!(session.get::<String>("key00").unwrap().is_some()),
            Action::Write => session.insert("key00", VALUES[usize::from(turn % 2 == 1)]).unwrap(),
            Action::Fill(keys, bytes) => {
                for n in 0..keys {
                    session.insert(&key(n), &"x".repeat(bytes)).unwrap();
                }
            }
        }
        Ok(Response::new(()))
    })
}

/// With the layer and memory store of tower-sessions.
#[must_use]
pub fn peer(renewal: bool) -> Bench {
    let layer = SessionManagerLayer::new(tower_sessions::MemoryStore::default())
        .with_expiry(Expiry::OnInactivity(time::Duration::days(14)))
        .with_always_save(renewal);
    BoxCloneSyncService::new(layer.layer(service_fn(peer_handler)))
}

fn peer_handler(request: Request<()>) -> Answer {
    Box::pin(async move {
        let Do(action, turn) = *request.extensions().get::<Do>().unwrap();
        if action == Action::Nothing {
            return Ok(Response::new(()));
        }
        let session = request.extensions().get::<tower_sessions::Session>().unwrap();
        match action {
            Action::Nothing => {}
            Action::Read => assert!(session.get::<String>("key00").await.unwrap().is_some()),
            Action::Write => {
                session.insert("key00", VALUES[usize::from(turn % 2 == 1)]).await.unwrap()
            }
            Action::Fill(keys, bytes) => {
                for n in 0..keys {
                    session.insert(&key(n), "x".repeat(bytes)).await.unwrap();
                }
            }
        }
        Ok(Response::new(()))
    })
}

/// Calls a service whose futures are ready at once, as those on stores in memory are.
pub fn call(service: &mut Bench, request: Request<()>) -> Response<()> {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    match service.call(request).as_mut().poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Ready(Err(error)) => match error {},
        Poll::Pending => panic!("a store in memory is ready"),
    }
}
