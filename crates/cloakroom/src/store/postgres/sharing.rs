//! Connections that several calls use at a time: each sends its statement before those ahead of it are answered.
//!
//! The server answers in the order in which it was asked, so that an answer is never another call's. What is saved is
//! the way: many statements go out in one packet, and the server's process finds the next one when it has done with one.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Object, Pool, PoolError, Timeouts};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How many calls use a connection at most. More would wait no shorter, and all fail if it does.
const DEPTH: usize = 16;

/// Connections of a pool that are shared while they are in use, and idle ones are back in it.
#[derive(Clone)]
pub(super) struct Sharing(Arc<Inner>);

struct Inner {
    pool: Pool,
    /// How many connections are shared at most.
    most: usize,
    /// How many calls use each before another is opened.
    few: usize,
    room: Arc<Semaphore>,
    state: Mutex<State>,
    /// A connection has been opened, or could not be.
    opened: Notify,
}

#[derive(Default)]
struct State {
    lanes: Vec<Lane>,
    opening: usize,
}

struct Lane {
    connection: Arc<Connection>,
    calls: usize,
}

struct Connection {
    object: Option<Object>,
    is_broken: AtomicBool,
}

impl Connection {
    fn object(&self) -> &Object {
        self.object.as_ref().expect("it is there until the connection is dropped")
    }
}

/// Back into the pool, or closed.
impl Drop for Connection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if *self.is_broken.get_mut() {
            close(object);
        }
    }
}

/// Takes a connection out of its pool. Dropping the client ends the task that serves it, which closes the
/// socket.
pub(super) fn close(object: Object) {
    drop(Object::take(object));
}

enum Choice {
    Take(Arc<Connection>),
    Open,
    /// All there may be are being opened.
    Wait,
}

impl Sharing {
    /// Up to `most` connections of a pool, each with `few` calls before there is another.
    pub(super) fn new(pool: Pool, most: usize, few: usize) -> Self {
        let room = Arc::new(Semaphore::new(most * DEPTH));
        let (state, opened) = (Mutex::default(), Notify::new());
        Self(Arc::new(Inner { pool, most, few, room, state, opened }))
    }

    /// A place on a connection, for one call.
    pub(super) async fn place(&self) -> Result<Place, PoolError> {
        let inner = &self.0;
        let room = inner.room.clone().acquire_owned().await.expect("it is never closed");
        let connection = loop {
            let opened = inner.opened.notified();
            match inner.choose() {
                Choice::Take(connection) => break connection,
                Choice::Open => break inner.open().await?,
                Choice::Wait => opened.await,
            }
        };
        Ok(Place { inner: inner.clone(), connection, _room: room })
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self) -> Choice {
        let pool = self.pool.status();
        let mut state = self.state();
        // It counts those that are being opened as waited for.
        if pool.size >= pool.max_size && pool.waiting > 0 {
            // Whoever waits for the pool gets those that are used: they take no more calls, and are soon idle.
            state.lanes.clear();
        }
        state.lanes.retain(|lane| !lane.connection.object().is_closed());
        let may_open = state.lanes.len() + state.opening < self.most;
        match state.least() {
            Some(lane) if lane.calls < self.few || !may_open => Choice::Take(lane.join()),
            _ if may_open => {
                state.opening += 1;
                Choice::Open
            }
            _ => Choice::Wait,
        }
    }

    /// Another connection; one that is there already if the pool has none left.
    async fn open(&self) -> Result<Arc<Connection>, PoolError> {
        let opening = Opening(self);
        let at_once = Timeouts { wait: Some(Duration::ZERO), ..self.pool.timeouts() };
        let object = match self.pool.timeout_get(&at_once).await {
            Err(PoolError::Timeout(_)) => {
                if let Some(lane) = self.state().least() {
                    return Ok(lane.join());
                }
                self.pool.get().await?
            }
            opened => opened?,
        };
        let connection =
            Arc::new(Connection { object: Some(object), is_broken: AtomicBool::new(false) });
        let lane = Lane { connection: connection.clone(), calls: 1 };
        self.state().lanes.push(lane);
        drop(opening);
        Ok(connection)
    }

    /// Takes a connection out of those that calls may use.
    fn withdraw(&self, connection: &Arc<Connection>) -> Option<Lane> {
        let mut state = self.state();
        let at = state.position(connection)?;
        Some(state.lanes.swap_remove(at))
    }
}

impl State {
    fn least(&mut self) -> Option<&mut Lane> {
        self.lanes.iter_mut().min_by_key(|lane| lane.calls)
    }

    fn position(&self, connection: &Arc<Connection>) -> Option<usize> {
        self.lanes.iter().position(|lane| Arc::ptr_eq(&lane.connection, connection))
    }
}

impl Lane {
    fn join(&mut self) -> Arc<Connection> {
        self.calls += 1;
        self.connection.clone()
    }
}

/// A connection that is being opened, however that ends.
struct Opening<'i>(&'i Inner);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.state().opening -= 1;
        self.0.opened.notify_waiters();
    }
}

/// A call's place on a shared connection, given up when it is dropped.
pub(super) struct Place {
    inner: Arc<Inner>,
    connection: Arc<Connection>,
    _room: OwnedSemaphorePermit,
}

impl Place {
    pub(super) fn object(&self) -> &Object {
        self.connection.object()
    }

    /// Lets nobody else use the connection, which is closed when those who do have their answers.
    pub(super) fn close(self) {
        self.connection.is_broken.store(true, Relaxed);
        drop(self.inner.withdraw(&self.connection));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        let Some(at) = state.position(&self.connection) else { return };
        state.lanes[at].calls -= 1;
        let idle = (state.lanes[at].calls == 0).then(|| state.lanes.swap_remove(at));
        drop(state);
        drop(idle);
    }
}
