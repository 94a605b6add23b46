//! A connection in use, and those that are not.

use std::future::Future as _;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use mysql_async::Conn;
use tokio::runtime::{Handle, Id};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// After so long without use a connection is asked whether it still answers. Shorter than a server takes to
/// restart.
const FRESH: Duration = Duration::from_secs(1);

/// The connections that wait for a call, the one that was used last at the end.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Waiting>>);

struct Waiting {
    conn: Conn,
    since: Instant,
    /// Where its socket is served; it is dead once that runtime has ended.
    runtime: Option<Id>,
}

impl Idle {
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Waiting>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place for a connection, for one call.
///
/// A call that has its whole answer [puts it back](Self::put_back); in any other case it is closed.
pub(super) struct Lease {
    conn: Option<Conn>,
    since: Instant,
    idle: Arc<Idle>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn new(permit: OwnedSemaphorePermit, idle: Arc<Idle>) -> Self {
        Self { conn: None, since: Instant::now(), idle, _permit: permit }
    }

    /// Takes the idle connection that was used last, if there is one.
    pub(super) fn take_idle(&mut self) -> bool {
        let here = runtime();
        let (found, foreign) = self.idle.change(|idle| {
            let foreign: Vec<_> = idle.extract_if(.., |waiting| waiting.runtime != here).collect();
            (idle.pop(), foreign)
        });
        for waiting in foreign {
            close(waiting.conn);
        }
        let Some(Waiting { conn, since, .. }) = found else { return false };
        self.since = since;
        self.put(conn);
        true
    }

    /// Whether the connection was used a moment ago.
    pub(super) fn is_fresh(&self) -> bool {
        self.since.elapsed() < FRESH
    }

    pub(super) fn put(&mut self, conn: Conn) {
        self.conn = Some(conn);
    }

    pub(super) fn conn(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("a lease is given a connection before it is used")
    }

    pub(super) fn put_back(mut self) {
        if let Some(conn) = self.conn.take() {
            let waiting = Waiting { conn, since: Instant::now(), runtime: runtime() };
            self.idle.change(|idle| idle.push(waiting));
        }
    }

    pub(super) fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            close(conn);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.close();
    }
}

fn runtime() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

/// Closes a connection at once, whatever it is in the middle of.
///
/// Left to itself, the driver would first wait for what the server still has to say. What began to disconnect is
/// closed when it is dropped, so it begins and is dropped.
fn close(conn: Conn) {
    let disconnect = pin!(conn.disconnect());
    let _ = disconnect.poll(&mut Context::from_waker(Waker::noop()));
}
