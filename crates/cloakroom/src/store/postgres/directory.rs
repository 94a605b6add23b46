//! Finding sessions without their handle.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::With;
use super::row::{self, Found, Parameter};
use super::{PostgresStore, named};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::sql::millis;
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

impl PostgresStore {
    async fn list(
        &self,
        sql: &str,
        second: Parameter<'_>,
        now: UnixMillis,
        limit: Option<i64>,
    ) -> Result<Vec<Row>> {
        let (namespace, moment) = (&*self.namespace, millis(now));
        let mut parameters: Vec<Parameter<'_>> =
            vec![(&namespace, Type::TEXT), second, (&moment, Type::INT8)];
        if let Some(limit) = &limit {
            parameters.push((limit, Type::INT8));
        }
        let connections = &self.inner.connections;
        let deadline = connections.deadline();
        connections
            .query(With::Nobody, "list sessions", sql, &parameters, deadline)
            .await
            .map_err(named)
    }
}

/// The live sessions of rows. One that cannot be read hides none of the others: no request can load it either.
fn live(rows: &[Row], now: UnixMillis) -> Vec<(SessionHandle, Record)> {
    let read = |row| match (row::handle(row), row::read(row)) {
        (Ok(handle), Ok(Found::Record(record))) if !record.is_expired(now) => {
            Some((handle, record))
        }
        (Ok(_), Ok(_)) => None,
        _ => {
            tracing::warn!("a stored row is no session record; it is left out of a list");
            None
        }
    };
    rows.iter().filter_map(read).collect()
}

impl Directory for PostgresStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            // Nothing can be stored under it.
            if subject.contains('\0') {
                return Ok(Vec::new());
            }
            let sql = &self.inner.statements.by_subject;
            let rows = self.list(sql, (&subject, Type::TEXT), now, None).await?;
            Ok(live(&rows, now))
        })
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let sql = &self.inner.statements.page;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut after = after;
            loop {
                let bytes = after.as_ref().map(|after| &after.as_bytes()[..]);
                let rows = self.list(sql, (&bytes, Type::BYTEA), now, Some(limit)).await?;
                let found = live(&rows, now);
                // An empty page is the end, so one on which nothing can be read is not shown.
                match rows.last() {
                    Some(last) if found.is_empty() => {
                        after = Some(row::handle(last).map_err(named)?)
                    }
                    _ => return Ok(found),
                }
            }
        })
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let sql = &self.inner.statements.count;
            let rows = self.list(sql, (&None::<&str>, Type::TEXT), now, None).await?;
            let count = rows.first().and_then(|row| row.try_get::<_, i64>(0).ok());
            Ok(count.and_then(|count| count.try_into().ok()).unwrap_or(0))
        })
    }
}
