//! A call on its way to a thread that may block, and its answer on the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::failure::Failure;
use super::names::LEAVES;
use crate::error::{Error, ErrorKind, Result};

/// Calls that look at files at the same time.
const READS: usize = 16;
/// Calls that change files at the same time: so many waits for the disk become one.
const WRITES: usize = 32;

/// Who may go to the disk now. Shared by the clones and namespaces of a store.
pub(super) struct Gates {
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    /// Writers of a folder wait here in a row, so that of this process one thread at most waits for its lock.
    leaves: Vec<Arc<Mutex<()>>>,
    limit: Duration,
}

/// What becomes of a call that waits for its turn when its future is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfDropped {
    /// It is not begun.
    Skip,
    /// It is done all the same: a visitor who hangs up while signing out is to be signed out.
    Finish,
}

impl Gates {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            reads: Arc::new(Semaphore::new(READS)),
            writes: Arc::new(Semaphore::new(WRITES)),
            leaves: (0..LEAVES).map(|_| Arc::default()).collect(),
            limit,
        }
    }

    /// Does what changes nothing.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        let work = async {
            let permit = self.reads.clone().acquire_owned().await.map_err(|_| lost())?;
            let work = spawn_blocking(move || {
                let _permit = permit;
                work()
            });
            work.await.map_err(|_| lost())?.map_err(Failure::into_error)
        };
        timeout(self.limit, work).await.unwrap_or_else(|_| Err(too_busy()))
    }

    /// Does what changes a folder of sessions.
    ///
    /// `work` asks its [`Ticket`] when it has the folder's lock, and changes nothing if that was given up.
    pub(super) async fn write<T, F>(&self, leaf: u8, if_dropped: IfDropped, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Ticket) -> Result<T, Failure> + Send + 'static,
    {
        let ticket = Arc::new(Ticket::default());
        let (turns, permits) = (self.leaves[usize::from(leaf)].clone(), self.writes.clone());
        let own = ticket.clone();
        let work = async move {
            let turn = turns.lock_owned().await;
            let permit = permits.acquire_owned().await.map_err(|_| lost())?;
            let work = spawn_blocking(move || {
                let _held = (turn, permit);
                work(&own)
            });
            work.await.map_err(|_| lost())?.map_err(Failure::into_error)
        };
        // As a task of its own, it goes on when the caller does not.
        let mut work = tokio::spawn(work);
        let _guard = Guard { ticket: &ticket, if_dropped };
        if let Ok(answer) = timeout(self.limit, &mut work).await {
            return answer.unwrap_or_else(|_| Err(lost()));
        }
        if ticket.abandon() {
            return Err(too_busy());
        }
        match timeout(self.limit, work).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(lost())),
            Err(_) => Err(unavailable(
                "the disk hangs: whether the change was made is not known; look at the operating system's log",
            )),
        }
    }
}

fn lost() -> Error {
    unavailable("a call of the store has failed within; whether a change was made is not known")
}

fn too_busy() -> Error {
    unavailable(
        "the disk, or another process that has the folder's lock, took too long; nothing was changed, try again",
    )
}

pub(super) fn unavailable(message: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

const WAITING: u8 = 0;
const CLAIMED: u8 = 1;
const ABANDONED: u8 = 2;

/// Who was first: the thread that begins to change something, or the caller who gives up.
#[derive(Default)]
pub(super) struct Ticket(AtomicU8);

impl Ticket {
    /// From here on the caller waits for what becomes of it.
    pub(super) fn claim(&self) -> Result<(), Failure> {
        if self.leave(CLAIMED) {
            return Ok(());
        }
        Err(Failure::Other(ErrorKind::Unavailable, "the caller has given up"))
    }

    fn abandon(&self) -> bool {
        self.leave(ABANDONED)
    }

    fn leave(&self, to: u8) -> bool {
        self.0.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Gives the call up when its future is dropped.
struct Guard<'a> {
    ticket: &'a Ticket,
    if_dropped: IfDropped,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.if_dropped == IfDropped::Skip {
            self.ticket.abandon();
        }
    }
}
