//! One statement on one connection of the pool, in bounded time.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use super::failure;
use super::row::Parameter;
use crate::error::{Error, Result};

/// The pool, and how long a call may take in all.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) pool: Pool,
    pub(super) timeout: Duration,
}

/// By when a call is over, retries included.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Connections {
    pub(super) fn deadline(&self) -> Deadline {
        Deadline(Instant::now() + self.timeout)
    }

    /// Sends one statement and reads what it returns: one round trip, since it is parsed, bound and run in one
    /// message. No statement is left behind on the connection, so that a pool between us and the server may
    /// give it to someone else.
    pub(super) async fn query(
        &self,
        what: &str,
        sql: &str,
        parameters: &[Parameter<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Row>> {
        loop {
            let lease = self.lease(deadline).await?;
            let object = lease.object();
            match timeout_at(deadline.0, object.query_typed(sql, parameters)).await {
                Ok(Ok(rows)) => {
                    lease.put_back();
                    return Ok(rows);
                }
                Ok(Err(error)) if failure::is_rolled_back(&error) => lease.put_back(),
                Ok(Err(error)) => return Err(failure::failed(what, &error)),
                Err(_) => return Err(failure::no_answer(what, self.timeout)),
            }
        }
    }

    pub(super) async fn lease(&self, deadline: Deadline) -> Result<Lease> {
        match timeout_at(deadline.0, self.pool.get()).await {
            Ok(Ok(object)) => Ok(Lease(Some(object))),
            Ok(Err(error)) => Err(failure::no_connection(&error)),
            Err(_) => Err(failure::no_connection_in_time(self.timeout)),
        }
    }

    /// What to answer when others kept changing the row for as long as the call may take.
    pub(super) fn out_of_time(&self, what: &str) -> Error {
        failure::no_answer(what, self.timeout)
    }
}

impl Deadline {
    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

/// A connection of the pool. It goes back only if it is [put back](Self::put_back), else it is closed: whoever
/// was cut off in the middle of a command, by a timeout, an error or a dropped future, leaves it to nobody.
pub(super) struct Lease(Option<Object>);

impl Lease {
    pub(super) fn object(&self) -> &Object {
        self.0.as_ref().expect("it is there until the lease ends")
    }

    pub(super) fn object_mut(&mut self) -> &mut Object {
        self.0.as_mut().expect("it is there until the lease ends")
    }

    pub(super) fn put_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            // Dropping the client ends the task of the connection, which closes the socket.
            drop(Object::take(object));
        }
    }
}
