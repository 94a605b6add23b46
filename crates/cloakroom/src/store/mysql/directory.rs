//! Finding sessions without their handle.

use std::sync::Arc;

use mysql_async::{Row, Value};

use super::row::{self, Found, at, bytes};
use super::{MysqlStore, named};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

impl MysqlStore {
    /// Runs a statement on all sessions of the namespace, whose name is the first value.
    async fn list(&self, sql: &Arc<str>, more: impl Into<Vec<Value>>) -> Result<Vec<Row>> {
        let mut values = vec![bytes(self.namespace.as_bytes())];
        values.append(&mut more.into());
        let deadline = self.inner.connections.deadline();
        Ok(self.run("list sessions", sql, values, deadline).await?.rows)
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

impl Directory for MysqlStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let sql = &self.inner.statements.by_subject;
            let rows = self.list(sql, [bytes(subject.as_bytes()), at(now)]).await?;
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
            let limit = Value::Int(i64::try_from(limit).unwrap_or(i64::MAX));
            let statements = &self.inner.statements;
            let mut after = after;
            loop {
                let rows = match &after {
                    None => {
                        let values = [at(now), limit.clone()];
                        self.list(&statements.first_page, values).await?
                    }
                    Some(after) => {
                        let values = [bytes(after.as_bytes()), at(now), limit.clone()];
                        self.list(&statements.page, values).await?
                    }
                };
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
            let rows = self.list(&self.inner.statements.count, [at(now)]).await?;
            Ok(rows.first().and_then(|row| row::number(row, 0)).unwrap_or(0))
        })
    }
}
