//! One statement on one connection, in bounded time.
//!
//! The pool is our own. That of the driver takes back a connection whose call was dropped in the middle, and the
//! next call on it would read an answer that is not its own. Here a task works on a connection from the command
//! to the whole answer, whoever still waits for it.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, Row, Value};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::failure;
use super::lease::{Idle, Lease};
use crate::error::{Error, Result};

/// The connections, and how long a call may take in all.
#[derive(Clone)]
pub(super) struct Connections {
    opts: Opts,
    /// One permit a connection, which is held while it is in use.
    permits: Arc<Semaphore>,
    idle: Arc<Idle>,
    pub(super) timeout: Duration,
    /// What makes a connection ours, whatever the server or the options say.
    setup: Arc<str>,
}

/// By when a call is over, retries included.
#[derive(Clone, Copy)]
pub(super) struct Deadline(pub(super) Instant);

impl Deadline {
    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

/// What a statement said.
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// Of a change: the rows that it changed, or that it found, as the connection is set.
    pub(super) affected: u64,
}

/// What a statement came to that may also have found its key taken.
pub(super) enum Outcome {
    Done(Answer),
    Duplicate,
}

impl Connections {
    pub(super) fn new(opts: Opts, max: usize, timeout: Duration) -> Self {
        Self {
            opts,
            permits: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            idle: Arc::default(),
            timeout,
            setup: setup(timeout).into(),
        }
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline(Instant::now() + self.timeout)
    }

    /// Runs one statement: one round trip, and at its first use of a connection one more to prepare it.
    pub(super) async fn run(
        &self,
        what: &'static str,
        sql: &Arc<str>,
        values: Vec<Value>,
        deadline: Deadline,
    ) -> Result<Answer> {
        match self.try_run(what, sql, values, deadline).await? {
            Outcome::Done(answer) => Ok(answer),
            Outcome::Duplicate => Err(self.out_of_time(what)),
        }
    }

    /// The same, for a statement that may find its key taken.
    ///
    /// A call whose future is dropped leaves the statement to its task.
    pub(super) async fn try_run(
        &self,
        what: &'static str,
        sql: &Arc<str>,
        values: Vec<Value>,
        deadline: Deadline,
    ) -> Result<Outcome> {
        let permit = timeout_at(deadline.0, self.permits.clone().acquire_owned());
        let Ok(Ok(permit)) = permit.await else {
            return Err(failure::no_connection_in_time(self.timeout));
        };
        let (this, sql) = (self.clone(), sql.clone());
        let work = tokio::spawn(async move {
            let mut lease = Lease::new(permit, this.idle.clone());
            this.connect(&mut lease, deadline).await?;
            this.work(what, &sql, values, lease, deadline).await
        });
        work.await.unwrap_or_else(|_| Err(failure::no_runtime(what)))
    }

    async fn work(
        &self,
        what: &str,
        sql: &Arc<str>,
        values: Vec<Value>,
        mut lease: Lease,
        deadline: Deadline,
    ) -> Result<Outcome> {
        while !deadline.is_over() {
            let conn = lease.conn();
            let statement = async {
                let rows: Vec<Row> = conn.exec(sql, values.clone()).await?;
                Ok(Answer { rows, affected: conn.affected_rows() })
            };
            match timeout_at(deadline.0, statement).await {
                Ok(Ok(answer)) => {
                    lease.put_back();
                    return Ok(Outcome::Done(answer));
                }
                Ok(Err(error)) if failure::is_rolled_back(&error) => {}
                Ok(Err(error)) if failure::is_duplicate(&error) => {
                    lease.put_back();
                    return Ok(Outcome::Duplicate);
                }
                Ok(Err(error)) => return Err(failure::failed(what, &error)),
                Err(_) => break,
            }
        }
        Err(failure::no_answer(what, self.timeout))
    }

    /// A connection outside of the pool's tasks, for a sequence of statements. Dropped, it is closed.
    pub(super) async fn lease(&self, deadline: Deadline) -> Result<Lease> {
        let permit = timeout_at(deadline.0, self.permits.clone().acquire_owned());
        let Ok(Ok(permit)) = permit.await else {
            return Err(failure::no_connection_in_time(self.timeout));
        };
        let mut lease = Lease::new(permit, self.idle.clone());
        self.connect(&mut lease, deadline).await?;
        Ok(lease)
    }

    /// Gives a lease a connection that answers: one that is idle, or a new one.
    async fn connect(&self, lease: &mut Lease, deadline: Deadline) -> Result<()> {
        while lease.take_idle() {
            if lease.is_fresh() {
                return Ok(());
            }
            match timeout_at(deadline.0, lease.conn().ping()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(_)) => lease.close(),
                Err(_) => return Err(failure::no_connection_in_time(self.timeout)),
            }
        }
        let open = async {
            let mut conn = Conn::new(self.opts.clone()).await?;
            conn.query_drop(&*self.setup).await?;
            Ok(conn)
        };
        match timeout_at(deadline.0, open).await {
            Ok(Ok(conn)) => {
                lease.put(conn);
                Ok(())
            }
            Ok(Err(error)) => Err(failure::no_connection(&error)),
            Err(_) => Err(failure::no_connection_in_time(self.timeout)),
        }
    }

    /// What to answer when others kept changing the row for as long as the call may take.
    pub(super) fn out_of_time(&self, what: &str) -> Error {
        failure::no_answer(what, self.timeout)
    }
}

/// What is set on each connection, in one round trip.
///
/// A value that does not fit is an error and never cut, text is UTF-8 and compared byte for byte, each statement
/// is a transaction, and none waits for a lock much longer than its caller does.
fn setup(timeout: Duration) -> String {
    let seconds = timeout.as_millis().div_ceil(1000).clamp(1, 3600);
    format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION autocommit = 1, \
         SESSION innodb_lock_wait_timeout = {seconds}, \
         SESSION character_set_client = utf8mb4, SESSION character_set_results = utf8mb4, \
         SESSION collation_connection = utf8mb4_bin"
    )
}
