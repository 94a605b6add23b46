//! Calls that arrive together leave together.
//!
//! One command for each call costs about three times the work of a pipeline, on our side as on the server's. So
//! calls wait in a queue while a pipeline is under way, and go with the next: alone if nobody else is there, and
//! then without waiting for anyone.
//!
//! An answer reaches whom it belongs to because a pipeline's answers come as one list, in the order of its
//! commands, or not at all. Whoever gave up in between is passed over; a command that has not been sent yet is
//! then not sent.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult, Value};
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::call::Call;
use super::failure::Failure;
use super::replicas::Terms;

/// The longest pipeline. Longer ones would let the first of a batch wait for the last, and gain little.
const BATCH: usize = 128;
/// Pipelines under way at a time, so that one waits for the network while another is filled.
const LANES: usize = 2;
/// Calls that wait; the next ones wait to be let in, within their own time.
const QUEUE: usize = 1024;

/// A connection to one server. It ends by itself when it is of no use any more.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    calls: mpsc::Sender<Waiting>,
    broken: Broken,
}

/// Whether a connection is of no use any more. Clones are of the same connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Broken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_broken: AtomicBool,
    is_closed: AtomicBool,
    closed: Notify,
}

impl Broken {
    /// No further call is to be sent into it; those that are under way may still be answered.
    fn set(&self) {
        self.0.is_broken.store(true, Ordering::SeqCst);
    }

    fn is_set(&self) -> bool {
        self.0.is_broken.load(Ordering::SeqCst)
    }

    /// The server has closed it: there will be no more answers.
    pub(super) fn set_closed(&self) {
        self.set();
        self.0.is_closed.store(true, Ordering::SeqCst);
        self.0.closed.notify_waiters();
    }

    async fn closed(&self) {
        loop {
            let closed = self.0.closed.notified();
            if self.0.is_closed.load(Ordering::SeqCst) {
                return;
            }
            closed.await;
        }
    }
}

#[derive(Debug)]
struct Waiting {
    call: Call,
    answer: oneshot::Sender<Result<Value, Failure>>,
}

/// An answer that is on its way.
pub(super) struct Pending(oneshot::Receiver<Result<Value, Failure>>);

impl Pending {
    /// Waits for the answer, for no longer than this.
    pub(super) async fn answer_within(self, patience: Duration) -> Result<Value, Failure> {
        timeout(patience, self.answer()).await.unwrap_or(Err(Failure::Late))
    }

    /// Waits for the answer.
    pub(super) async fn answer(self) -> Result<Value, Failure> {
        self.0.await.unwrap_or(Err(Failure::Lost))
    }
}

impl Connection {
    /// Takes over a connection. Whoever learns that the server has closed it sets `broken`.
    pub(super) fn new(connection: MultiplexedConnection, terms: Terms, broken: Broken) -> Self {
        let (sender, calls) = mpsc::channel(QUEUE);
        let calls = Arc::new(Mutex::new(calls));
        for _ in 0..LANES {
            tokio::spawn(run(calls.clone(), connection.clone(), terms, broken.clone()));
        }
        Self { calls: sender, broken }
    }

    /// Whether it can still be used.
    pub(super) fn is_open(&self) -> bool {
        // The lanes end with the runtime that they were started on, which need not be the caller's.
        !self.broken.is_set() && !self.calls.is_closed()
    }

    /// Hands a call over; when it returns, the call has its place in the order.
    pub(super) async fn send(&self, call: Call) -> Result<Pending, Failure> {
        let (answer, pending) = oneshot::channel();
        self.calls.send(Waiting { call, answer }).await.map_err(|_| Failure::Lost)?;
        Ok(Pending(pending))
    }
}

/// Sends batch after batch, until nobody holds the connection.
async fn run(
    calls: Arc<Mutex<mpsc::Receiver<Waiting>>>,
    mut connection: MultiplexedConnection,
    terms: Terms,
    broken: Broken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let arrived = calls.lock().await.recv_many(&mut batch, BATCH).await;
        if arrived == 0 {
            return;
        }
        if broken.is_set() {
            // Dropped unsent; who waits for them is told that they are lost.
            batch.clear();
            continue;
        }
        batch.retain(|waiting| !waiting.answer.is_closed());
        if !batch.is_empty() {
            send(&mut batch, &mut connection, terms, &broken).await;
        }
    }
}

/// Sends a batch and distributes the answers. Whoever gets one finds the connection closed if it is of no use
/// any more, so that the next call is not sent into it.
async fn send(
    batch: &mut Vec<Waiting>,
    connection: &mut MultiplexedConnection,
    terms: Terms,
    broken: &Broken,
) {
    let writes = batch.iter().any(|waiting| waiting.call.is_script());
    let replicas = terms.replicas.filter(|_| writes);
    let mut pipeline = Pipeline::with_capacity(batch.len() + 1);
    pipeline.ignore_errors();
    let mut waiting = Vec::with_capacity(batch.len());
    for Waiting { call, answer } in batch.drain(..) {
        call.add_to(&mut pipeline);
        waiting.push(answer);
    }
    if let Some(replicas) = replicas {
        replicas.add_to(&mut pipeline);
    }
    let expected = waiting.len() + usize::from(replicas.is_some());
    let mut answers: Vec<Result<Value, Failure>> =
        match ask(&pipeline, connection, terms.patience, broken).await {
            Ok(answers) if answers.len() == expected => {
                answers.into_iter().map(|answer| answer.map_err(Failure::from)).collect()
            }
            other => {
                broken.set();
                let failure = other.err().unwrap_or(Failure::Nonsense);
                waiting.iter().map(|_| Err(failure.clone())).collect()
            }
        };
    if let Some(replicas) = replicas.filter(|_| answers.len() == expected)
        && let Some(confirmed) = answers.pop()
    {
        replicas.judge(confirmed, &mut answers);
    }
    if answers.iter().flat_map(|answer| answer.as_ref().err()).any(Failure::ends_connection) {
        broken.set();
    }
    for (answer, caller) in answers.into_iter().zip(waiting) {
        // Nobody is there any more if the caller gave up.
        let _ = caller.send(answer);
    }
}

/// Sends a pipeline and waits for its answers, no longer than there can be any.
async fn ask(
    pipeline: &Pipeline,
    connection: &mut MultiplexedConnection,
    patience: Duration,
    broken: &Broken,
) -> Result<Vec<RedisResult<Value>>, Failure> {
    let mut answers = pin!(timeout(patience, pipeline.query_async(connection)));
    let mut closed = pin!(broken.closed());
    // A pipeline that is handed to the driver just when the connection closes may stay in its queue, and would
    // be waited for in vain. What was answered before comes first.
    poll_fn(|context| match answers.as_mut().poll(context) {
        Poll::Ready(Ok(answers)) => Poll::Ready(answers.map_err(Failure::from)),
        Poll::Ready(Err(_)) => Poll::Ready(Err(Failure::Late)),
        Poll::Pending => closed.as_mut().poll(context).map(|()| Err(Failure::Lost)),
    })
    .await
}
