//! Finding sessions without their handle.

use super::{SqliteStore, operations};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

impl Directory for SqliteStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        let (namespace, subject) = (self.namespace.clone(), subject.to_owned());
        Box::pin(self.read(move |db| operations::by_subject(db, &namespace, &subject, now)))
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        let namespace = self.namespace.clone();
        Box::pin(self.read(move |db| operations::page(db, &namespace, after, limit, now)))
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        let namespace = self.namespace.clone();
        Box::pin(self.read(move |db| operations::count(db, &namespace, now)))
    }
}
