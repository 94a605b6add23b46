//! What the calls on one session have in common.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::{Deadline, With};
use super::row::Parameter;
use super::{PostgresStore, named};
use crate::error::{Error, Result};
use crate::id::SessionHandle;
use crate::store::Renewal;
use crate::store::sql::millis;
use crate::time::UnixMillis;

impl PostgresStore {
    /// Runs a statement on one session: the parameters begin with its namespace and its handle.
    pub(super) async fn ask(
        &self,
        with: With,
        what: &str,
        sql: &str,
        key: SessionHandle,
        parameters: &[Parameter<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Row>> {
        let (namespace, handle) = (&*self.namespace, &key.as_bytes()[..]);
        let mut all: Vec<Parameter<'_>> = Vec::with_capacity(2 + parameters.len());
        all.push((&namespace, Type::TEXT));
        all.push((&handle, Type::BYTEA));
        all.extend(parameters.iter().cloned());
        self.inner.connections.query(with, what, sql, &all, deadline).await.map_err(named)
    }

    /// Runs a statement that changes one row, or none.
    pub(super) async fn changes(
        &self,
        what: &str,
        sql: &str,
        key: SessionHandle,
        parameters: &[Parameter<'_>],
        deadline: Deadline,
    ) -> Result<bool> {
        Ok(!self.ask(With::Writes, what, sql, key, parameters, deadline).await?.is_empty())
    }

    /// The revision of a session, if there is a live one at `now`.
    pub(super) async fn revision(
        &self,
        what: &str,
        key: SessionHandle,
        now: i64,
        deadline: Deadline,
    ) -> Result<Option<i64>> {
        let sql = &self.inner.statements.revision;
        let parameters: [Parameter<'_>; 1] = [(&now, Type::INT8)];
        let rows = self.ask(With::Reads, what, sql, key, &parameters, deadline).await?;
        // A row without one cannot be read, and holds its key.
        Ok(rows.first().map(|row| row.try_get(0).unwrap_or_default()))
    }

    /// What to answer when others kept changing the row for as long as a call may take.
    pub(super) fn out_of_time(&self, what: &str) -> Error {
        named(self.inner.connections.out_of_time(what))
    }

    /// Until when it is remembered why a session was ended at `now`.
    pub(super) fn forget_at(&self, now: UnixMillis) -> i64 {
        millis(now.plus(self.inner.remember_ended))
    }
}

/// The least step of a renewal in whole milliseconds, rounded up; `None` is the row's own.
pub(super) fn step(renewal: &Renewal) -> Option<i64> {
    let every = renewal.every()?.as_nanos().div_ceil(1_000_000);
    Some(i64::try_from(every).unwrap_or(i64::MAX))
}
