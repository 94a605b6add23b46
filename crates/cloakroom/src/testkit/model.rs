//! The contract as the smallest code that fulfils it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::store::{
    BoxFuture, Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds,
};
use crate::time::UnixMillis;

/// The contract of [`Store`] as the smallest store that fulfils it. Clones are the same store.
///
/// To read, and to compare a store with. It has one lock, no bound, and walks over all of its sessions, so it
/// is not for an application: [`MemoryStore`](crate::MemoryStore) is.
///
/// # Examples
/// ```
/// cloakroom::store_conformance!(model, cloakroom::testkit::ModelStore::new());
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Default)]
pub struct ModelStore(Arc<Mutex<Model>>);

impl ModelStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for ModelStore {
    fn name(&self) -> &'static str {
        "model"
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        let mut model = self.model();
        Ok(match model.load(key, renewal, now) {
            Some(record) => Lookup::Live(record),
            None => Lookup::Absent(model.why(key)),
        })
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        Ok(self.model().create(key, record, now))
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        Ok(self.model().update(key, record, expected, now))
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        Ok(self.model().touch(key, deadline, now))
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        Ok(self.model().delete(key, why, now))
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        Ok(self.model().delete_expired(limit, now))
    }

    /// Never resolves, which the contract allows: whoever waits looks again at intervals.
    async fn ended(&self, _: SessionHandle) {
        std::future::pending().await
    }

    fn never_waits(&self) -> bool {
        true
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        None
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }
}

impl Directory for ModelStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let mut all = self.model().all(now);
            all.retain(|(_, record)| record.subject() == Some(subject));
            Ok(all)
        })
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let mut all = self.model().all(now);
            all.retain(|(key, _)| after.is_none_or(|after| *key > after));
            all.truncate(limit);
            Ok(all)
        })
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move { Ok(self.model().all(now).len() as u64) })
    }
}

/// The contract without time, threads and futures: what each call does, one after another.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    records: BTreeMap<SessionHandle, Record>,
    ended: BTreeMap<SessionHandle, Ended>,
}

impl Model {
    /// The live record of a key.
    pub(super) fn live(&self, key: SessionHandle, now: UnixMillis) -> Option<&Record> {
        self.records.get(&key).filter(|record| !record.is_expired(now))
    }

    pub(super) fn load(
        &mut self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Option<Record> {
        let record = self.live(key, now)?.clone();
        let Some(deadline) = renewal.and_then(|renewal| renewal.due(&record, now)) else {
            return Some(record);
        };
        let renewed = record.with_idle_deadline(deadline);
        self.records.insert(key, renewed.clone());
        Some(renewed)
    }

    pub(super) fn create(
        &mut self,
        key: SessionHandle,
        record: Record,
        now: UnixMillis,
    ) -> Created {
        if self.live(key, now).is_some() {
            return Created::Occupied;
        }
        self.records.insert(key, record);
        self.ended.remove(&key);
        Created::Created
    }

    pub(super) fn update(
        &mut self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Updated {
        match self.live(key, now) {
            None => Updated::Gone,
            Some(live) if live.revision() != expected => Updated::Conflict,
            // Also if the new record is expired: what is expired does not exist.
            Some(_) => {
                self.records.insert(key, record);
                Updated::Updated
            }
        }
    }

    pub(super) fn touch(
        &mut self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> bool {
        let Some(record) = self.live(key, now).cloned() else { return false };
        self.records.insert(key, record.with_idle_deadline(deadline));
        true
    }

    pub(super) fn delete(&mut self, key: SessionHandle, why: Ended, now: UnixMillis) -> bool {
        if self.live(key, now).is_none() {
            return false;
        }
        self.records.remove(&key);
        self.ended.insert(key, why);
        true
    }

    pub(super) fn delete_expired(&mut self, limit: usize, now: UnixMillis) -> usize {
        let expired = self.records.iter().filter(|(_, record)| record.is_expired(now));
        let expired: Vec<_> = expired.map(|(key, _)| *key).take(limit).collect();
        for key in &expired {
            self.records.remove(key);
            self.ended.insert(*key, Ended::Expired);
        }
        expired.len()
    }

    /// Why a key without a live record has none.
    fn why(&self, key: SessionHandle) -> Option<Ended> {
        if self.records.contains_key(&key) {
            return Some(Ended::Expired);
        }
        self.ended.get(&key).copied()
    }

    /// The live sessions, sorted by handle.
    fn all(&self, now: UnixMillis) -> Vec<(SessionHandle, Record)> {
        let live = self.records.iter().filter(|(_, record)| !record.is_expired(now));
        live.map(|(key, record)| (*key, record.clone())).collect()
    }
}
