//! The way to one server that takes writes: connected when it is needed, and anew when it was lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use redis::Value;
use tokio::time::timeout;

use super::batch::{Connection, Pending};
use super::call::Call;
use super::failure::Failure;
use super::replicas::Terms;
use super::target::Target;

/// The way to a server.
#[derive(Debug)]
pub(in crate::store) struct Link {
    target: Target,
    terms: Terms,
    open: Mutex<Option<Connection>>,
    /// One connects at a time, for all that wait.
    turn: tokio::sync::Mutex<()>,
    /// How often connecting has failed, and how last.
    failures: AtomicU64,
    failure: Mutex<Failure>,
}

impl Link {
    pub(super) fn new(target: Target, terms: Terms) -> Self {
        Self {
            target,
            terms,
            open: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
            failures: AtomicU64::new(0),
            failure: Mutex::new(Failure::Lost),
        }
    }

    /// Sends a call and waits for its answer: in all no longer than the patience.
    pub(super) async fn call(&self, call: Call) -> Result<Value, Failure> {
        let answer = async { self.connection().await?.send(call).await?.answer().await };
        timeout(self.terms.patience, answer).await.unwrap_or(Err(Failure::Late))
    }

    /// Sends a call whose answer is waited for later.
    pub(super) async fn start(&self, call: Call) -> Result<Pending, Failure> {
        let sent = async { self.connection().await?.send(call).await };
        timeout(self.terms.patience, sent).await.unwrap_or(Err(Failure::Late))
    }

    /// Sends calls, all before it waits for the first answer.
    pub(super) async fn call_all(&self, calls: Vec<Call>) -> Result<Vec<Value>, Failure> {
        let mut pending = Vec::with_capacity(calls.len());
        for call in calls {
            pending.push(self.start(call).await?);
        }
        let mut answers = Vec::with_capacity(pending.len());
        for pending in pending {
            answers.push(pending.answer_within(self.terms.patience).await?);
        }
        Ok(answers)
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let before = self.failures.load(Ordering::SeqCst);
        if let Some(connection) = self.open() {
            return Ok(connection);
        }
        let _turn = self.turn.lock().await;
        if let Some(connection) = self.open() {
            return Ok(connection);
        }
        if self.failures.load(Ordering::SeqCst) != before {
            // It failed while this call waited for its turn; a queue of calls does not try one after the other.
            return Err(lock(&self.failure).clone());
        }
        match self.target.connect(self.terms).await {
            Ok(connection) => {
                *lock(&self.open) = Some(connection.clone());
                Ok(connection)
            }
            Err(failure) => {
                *lock(&self.failure) = failure.clone();
                self.failures.fetch_add(1, Ordering::SeqCst);
                Err(failure)
            }
        }
    }

    fn open(&self) -> Option<Connection> {
        lock(&self.open).clone().filter(Connection::is_open)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
