//! One statement on one connection of the pool, in bounded time.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure;
use super::row::Parameter;
use super::sharing::{Place, Sharing, close};
use crate::error::{Error, Result};

/// How many calls that read use a connection before another is opened. Each takes the server a fraction of a
/// millisecond.
const FEW_READS: usize = 8;
/// The same of calls that write. More would wait for the disk one after the other that could do so together.
const FEW_WRITES: usize = 2;

/// The pool, and how long a call may take in all.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    reads: Sharing,
    writes: Sharing,
    timeout: Duration,
    /// Whether statements are kept on the connections.
    prepared: bool,
}

/// With whom a statement shares its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    /// With other short ones that seldom write: they are over at once, so that few connections are enough.
    Reads,
    /// With other short ones that wait for the disk.
    Writes,
    /// With none: it may take long.
    Nobody,
}

/// By when a call is over, retries included.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Connections {
    pub(super) fn new(pool: Pool, timeout: Duration, prepared: bool) -> Self {
        // The rest is for lists and sweeps.
        let all = pool.status().max_size;
        let reads = Sharing::new(pool.clone(), (all / 4).max(1), FEW_READS);
        let writes = Sharing::new(pool.clone(), (all / 2).max(1), FEW_WRITES);
        Self { pool, reads, writes, timeout, prepared }
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline(Instant::now() + self.timeout)
    }

    /// Sends one statement and reads what it returns: one round trip.
    pub(super) async fn query(
        &self,
        with: With,
        what: &str,
        sql: &str,
        parameters: &[Parameter<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Row>> {
        loop {
            let lease = self.lease(with, deadline).await?;
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

    async fn lease(&self, with: With, deadline: Deadline) -> Result<Lease> {
        let held = async {
            match with {
                With::Reads => self.reads.place().await.map(Held::Shared),
                With::Writes => self.writes.place().await.map(Held::Shared),
                With::Nobody => self.pool.get().await.map(Held::Alone),
            }
        };
        match timeout_at(deadline.0, held).await {
            Ok(Ok(held)) => Ok(Lease { held: Some(held), limit: self.timeout }),
            Ok(Err(error)) => Err(failure::no_connection(&error)),
            Err(_) => Err(failure::no_connection_in_time(self.timeout)),
        }
    }

    /// A connection of one's own, for a transaction.
    pub(super) async fn alone(&self) -> Result<Lease> {
        self.lease(With::Nobody, self.deadline()).await
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

/// A connection, or a place on one, for one call.
///
/// A call that has its whole answer [puts it back](Self::put_back), one that failed [closes](Self::close) it. A
/// call whose future is dropped in the middle does neither: then its place is kept from everyone until the
/// server has answered, and the connection closed if it does not in time. To close it at once would let visitors who
/// hang up make the server open connections as fast as they can.
pub(super) struct Lease {
    held: Option<Held>,
    limit: Duration,
}

enum Held {
    Alone(Object),
    Shared(Place),
}

impl Held {
    fn object(&self) -> &Object {
        match self {
            Self::Alone(object) => object,
            Self::Shared(place) => place.object(),
        }
    }

    fn close(self) {
        match self {
            Self::Alone(object) => close(object),
            Self::Shared(place) => place.close(),
        }
    }
}

impl Lease {
    fn object(&self) -> &Object {
        self.held.as_ref().expect("it is there until the lease ends").object()
    }

    /// The connection, if nobody shares it.
    pub(super) fn alone(&mut self) -> Option<&mut Object> {
        match &mut self.held {
            Some(Held::Alone(object)) => Some(object),
            _ => None,
        }
    }

    pub(super) fn put_back(mut self) {
        drop(self.held.take());
    }

    fn close(mut self) {
        if let Some(held) = self.held.take() {
            held.close();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return held.close() };
        runtime.spawn(settle(held, self.limit));
    }
}

/// Gives a connection back once the server has answered everything: answers come in the order of the questions,
/// so the one to an empty question comes last.
async fn settle(held: Held, limit: Duration) {
    let mut unanswered = Unanswered(Some(held));
    if let Some(held) = &unanswered.0
        && let Ok(Ok(())) = timeout(limit, held.object().check_connection()).await
    {
        drop(unanswered.0.take());
    }
}

/// Closes what it holds, also if the runtime ends before the server has answered.
struct Unanswered(Option<Held>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.close();
        }
    }
}
