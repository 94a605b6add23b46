//! What the calls on one session have in common.

use std::fmt;
use std::sync::Arc;

use mysql_async::Value;

use super::connection::{Answer, Deadline};
use super::row::{self, Found, at, bytes};
use super::{MysqlStore, named};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::Record;
use crate::time::UnixMillis;

impl MysqlStore {
    /// The two values of a key.
    pub(super) fn key(&self, key: SessionHandle) -> [Value; 2] {
        [bytes(self.namespace.as_bytes()), bytes(key.as_bytes())]
    }

    pub(super) async fn run(
        &self,
        what: &'static str,
        sql: &Arc<str>,
        values: Vec<Value>,
        deadline: Deadline,
    ) -> Result<Answer> {
        self.inner.connections.run(what, sql, values, deadline).await.map_err(named)
    }

    /// The row of a key, if there is one.
    pub(super) async fn find(
        &self,
        what: &'static str,
        key: SessionHandle,
        deadline: Deadline,
    ) -> Result<Option<Found>> {
        let sql = &self.inner.statements.load;
        let answer = self.run(what, sql, self.key(key).into(), deadline).await?;
        answer.rows.first().map(row::read).transpose().map_err(named)
    }

    /// The live record of a key, if there is one.
    pub(super) async fn find_live(
        &self,
        what: &'static str,
        key: SessionHandle,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<Option<Record>> {
        Ok(match self.find(what, key, deadline).await? {
            Some(Found::Record(record)) if !record.is_expired(now) => Some(record),
            _ => None,
        })
    }

    /// Until when it is remembered why a session was ended at `now`.
    pub(super) fn forget_at(&self, now: UnixMillis) -> Value {
        at(now.plus(self.inner.remember_ended))
    }
}

/// Prints the table and the namespace, and nothing of the server.
impl fmt::Debug for MysqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlStore")
            .field("table", &self.inner.names.plain())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
