//! A call on its way to a thread and its answer on the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::database::Database;
use super::failure::Failure;
use super::queue::Queue;
use crate::error::{Error, ErrorKind, Result};

/// What becomes of a call that waits for its turn when its future is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfDropped {
    /// It is not begun.
    Skip,
    /// It is done all the same: a visitor who hangs up while signing out is to be signed out.
    Finish,
}

/// Work for a thread with a connection.
pub(super) trait Task: Send {
    /// Whether it is not to be begun, since nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Takes it on, unless it is abandoned. From here on its caller waits for what becomes of it.
    fn claim(&self) -> bool;

    /// Does the work and keeps what it gave. May be called again if the transaction was rolled back.
    fn run(&mut self, database: &mut Database<'_>) -> Result<(), Failure>;

    /// Tells the caller the failure, or what the work gave.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

/// Asks a thread to do something and waits for the answer.
///
/// A call that has waited for `limit` without being begun never is. One that was begun has another `limit` to
/// end; only a disk that hangs takes as long.
pub(super) async fn call<T, F>(
    queue: &Queue,
    limit: Duration,
    if_dropped: IfDropped,
    work: F,
) -> Result<T>
where
    T: Send + 'static,
    F: FnMut(&mut Database<'_>) -> Result<T, Failure> + Send + 'static,
{
    let (reply, mut answer) = oneshot::channel();
    let ticket = Arc::new(Ticket::default());
    queue.push(Box::new(Call { work, outcome: None, reply, ticket: ticket.clone() }));
    let _guard = Guard { ticket: &ticket, if_dropped };
    if let Ok(answered) = timeout(limit, &mut answer).await {
        return answered.unwrap_or_else(|_| Err(lost()));
    }
    if ticket.abandon() {
        return Err(unavailable("the database had no time for this call; try again"));
    }
    match timeout(limit, answer).await {
        Ok(answered) => answered.unwrap_or_else(|_| Err(lost())),
        Err(_) => Err(unavailable(
            "the disk hangs: whether the change was made is not known; look at the operating system's log",
        )),
    }
}

fn lost() -> Error {
    unavailable(
        "a thread of the store has failed, and begins anew; whether a change was made is not known",
    )
}

pub(super) fn unavailable(message: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

const QUEUED: u8 = 0;
const CLAIMED: u8 = 1;
const ABANDONED: u8 = 2;

/// Who was first: the thread that begins the call, or the caller who gives it up.
#[derive(Default)]
struct Ticket(AtomicU8);

impl Ticket {
    fn claim(&self) -> bool {
        self.leave_queue(CLAIMED)
    }

    fn abandon(&self) -> bool {
        self.leave_queue(ABANDONED)
    }

    fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABANDONED
    }

    fn leave_queue(&self, to: u8) -> bool {
        self.0.compare_exchange(QUEUED, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
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

struct Call<T, F> {
    work: F,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T>>,
    ticket: Arc<Ticket>,
}

impl<T, F> Task for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Database<'_>) -> Result<T, Failure> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.ticket.is_abandoned()
    }

    fn claim(&self) -> bool {
        self.ticket.claim()
    }

    fn run(&mut self, database: &mut Database<'_>) -> Result<(), Failure> {
        self.outcome = Some((self.work)(database)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let answer = match (failure, self.outcome) {
            (Some(failure), _) => Err(failure.to_error()),
            (None, Some(outcome)) => Ok(outcome),
            (None, None) => return,
        };
        // The caller may be gone; then there is nobody to tell.
        let _ = self.reply.send(answer);
    }
}
