//! One statement on one connection of the pool, in bounded time.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure;
use super::row::Parameter;
use crate::error::{Error, Result};

/// The pool, and how long a call may take in all.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) pool: Pool,
    pub(super) timeout: Duration,
    /// Whether statements are kept on the connections.
    pub(super) prepared: bool,
}

/// By when a call is over, retries included.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Connections {
    pub(super) fn deadline(&self) -> Deadline {
        Deadline(Instant::now() + self.timeout)
    }

    /// Sends one statement and reads what it returns: one round trip.
    pub(super) async fn query(
        &self,
        what: &str,
        sql: &str,
        parameters: &[Parameter<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Row>> {
        loop {
            let lease = self.lease(deadline).await?;
            let answer = self.send(lease.object(), sql, parameters);
            match timeout_at(deadline.0, answer).await {
                Ok(Ok(rows)) => {
                    lease.put_back();
                    return Ok(rows);
                }
                Ok(Err(error)) if failure::is_rolled_back(&error) => lease.put_back(),
                Ok(Err(error)) => {
                    lease.close();
                    return Err(failure::failed(what, &error));
                }
                Err(_) => {
                    lease.close();
                    return Err(failure::no_answer(what, self.timeout));
                }
            }
        }
    }

    /// A statement is parsed, bound and run in one message, and nothing of it stays behind on the connection, so
    /// that a pool between us and the server may give it to someone else.
    ///
    /// Where none is between, it is prepared at its first use of a connection, which costs that call a round trip
    /// more, and each later one no parsing and planning.
    async fn send(
        &self,
        object: &Object,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        if !self.prepared {
            return object.query_typed(sql, parameters).await;
        }
        let types: Vec<Type> = parameters.iter().map(|(_, kind)| kind.clone()).collect();
        let values: Vec<_> = parameters.iter().map(|(value, _)| *value).collect();
        let statement = object.prepare_typed_cached(sql, &types).await?;
        object.query(&statement, &values).await
    }

    pub(super) async fn lease(&self, deadline: Deadline) -> Result<Lease> {
        match timeout_at(deadline.0, self.pool.get()).await {
            Ok(Ok(object)) => Ok(Lease { object: Some(object), limit: self.timeout }),
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

/// A connection of the pool, for one call.
///
/// A call that has its whole answer [puts it back](Self::put_back), one that failed [closes](Self::close) it. A
/// call whose future is dropped in the middle does neither: then the connection is kept from everyone until the
/// server has answered, and closed if it does not in time. To close it at once would let visitors who hang up
/// make the server open connections as fast as they can.
pub(super) struct Lease {
    object: Option<Object>,
    limit: Duration,
}

impl Lease {
    pub(super) fn object(&self) -> &Object {
        self.object.as_ref().expect("it is there until the lease ends")
    }

    pub(super) fn object_mut(&mut self) -> &mut Object {
        self.object.as_mut().expect("it is there until the lease ends")
    }

    pub(super) fn put_back(mut self) {
        drop(self.object.take());
    }

    pub(super) fn close(mut self) {
        if let Some(object) = self.object.take() {
            close(object);
        }
    }
}

/// Takes a connection out of its pool. Dropping the client ends the task that serves it, which closes the
/// socket.
fn close(object: Object) {
    drop(Object::take(object));
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return close(object) };
        runtime.spawn(settle(object, self.limit));
    }
}

/// Gives a connection back once the server has answered everything: answers come in the order of the questions,
/// so the one to an empty question comes last.
async fn settle(object: Object, limit: Duration) {
    let mut held = Held(Some(object));
    if let Some(object) = &held.0
        && let Ok(Ok(())) = timeout(limit, object.check_connection()).await
    {
        drop(held.0.take());
    }
}

/// Closes what it holds, also if the runtime ends before the server has answered.
struct Held(Option<Object>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            close(object);
        }
    }
}
