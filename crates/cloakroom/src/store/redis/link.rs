//! The way to one server that takes writes: connected when it is needed, and anew when it was lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::SendError;
use redis::{AsyncConnectionConfig, Client, Cmd, PushInfo, PushKind, Value};
use tokio::time::timeout;

use super::batch::{Broken, Connection};
use super::failure::Failure;

/// The way to a server.
#[derive(Debug)]
pub(super) struct Link {
    target: Target,
    patience: Duration,
    open: Mutex<Option<Connection>>,
    /// One connects at a time, for all that wait.
    turn: tokio::sync::Mutex<()>,
    /// How often connecting has failed, and how last.
    failures: AtomicU64,
    failure: Mutex<Failure>,
}

/// Which server it is.
#[derive(Debug)]
pub(super) enum Target {
    /// Always this one.
    Fixed(Client),
}

impl Link {
    pub(super) fn new(target: Target, patience: Duration) -> Self {
        Self {
            target,
            patience,
            open: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
            failures: AtomicU64::new(0),
            failure: Mutex::new(Failure::Lost),
        }
    }

    /// Sends a command and waits for its answer: in all no longer than the patience.
    pub(super) async fn call(&self, command: Cmd) -> Result<Value, Failure> {
        let answer = async { self.connection().await?.send(command).await?.answer().await };
        timeout(self.patience, answer).await.unwrap_or(Err(Failure::Late))
    }

    /// Sends commands in one go and waits for all answers.
    pub(super) async fn call_all(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, Failure> {
        let answers = async {
            let connection = self.connection().await?;
            let mut pending = Vec::with_capacity(commands.len());
            for command in commands {
                pending.push(connection.send(command).await?);
            }
            let mut answers = Vec::with_capacity(pending.len());
            for pending in pending {
                answers.push(pending.answer().await?);
            }
            Ok(answers)
        };
        timeout(self.patience, answers).await.unwrap_or(Err(Failure::Late))
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
        match self.connect().await {
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

    async fn connect(&self) -> Result<Connection, Failure> {
        match &self.target {
            Target::Fixed(client) => connect(client, self.patience).await,
        }
    }
}

/// Connects to the server of a client. Answers are timed by the [`Connection`], not by the driver.
async fn connect(client: &Client, patience: Duration) -> Result<Connection, Failure> {
    let broken = Broken::default();
    let closed = broken.clone();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(None)
        .set_push_sender(move |push: PushInfo| {
            // So that no call is sent into a connection that was closed while nobody used it.
            if push.kind == PushKind::Disconnection {
                closed.set();
            }
            Ok::<_, SendError>(())
        });
    let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    Ok(Connection::new(connection, patience, broken))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
