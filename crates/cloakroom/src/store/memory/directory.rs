//! Finding sessions without their handle.
//!
//! A shard holds the handles that begin with its number, so that a page reads one or two shards and the next
//! begins where it ended. Each shard indexes the subjects of its own sessions, under its own lock: the index
//! and the records never disagree.

use super::MemoryStore;
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

impl Directory for MemoryStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for index in 0..=u8::MAX {
                self.shards.at(index, |shard| found.extend(shard.by_subject(subject, now)));
            }
            Ok(found)
        })
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for index in after.map_or(0, |after| after.as_bytes()[0])..=u8::MAX {
                if found.len() >= limit {
                    break;
                }
                let left = limit - found.len();
                found.extend(self.shards.at(index, |shard| shard.page(after, left, now)));
            }
            Ok(found)
        })
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            Ok((0..=u8::MAX).map(|index| self.shards.at(index, |shard| shard.count(now))).sum())
        })
    }
}
