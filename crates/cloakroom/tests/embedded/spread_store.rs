//! Three stores in one place, called in turn: to the locks between processes they are processes.

use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom::store::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use cloakroom::{Record, Result, Revision, SessionHandle, UnixMillis};

use crate::Embedded;
use crate::common::{fresh_path, patient};

#[derive(Debug)]
pub(crate) struct Spread {
    stores: [Embedded; 3],
    calls: AtomicUsize,
}

impl Spread {
    pub(crate) async fn fresh() -> Self {
        let path = fresh_path();
        let open = || patient().open(&path);
        let (a, b, c) = tokio::join!(open(), open(), open());
        let stores = [a.expect("it opens"), b.expect("it opens"), c.expect("it opens")];
        Self { stores, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &Embedded {
        &self.stores[self.calls.fetch_add(1, Ordering::Relaxed) % self.stores.len()]
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for Spread {
    fn name(&self) -> &'static str {
        "spread"
    }

    fn directory(&self) -> Option<&dyn Directory> {
        self.next().directory()
    }

    fn never_waits(&self) -> bool {
        self.next().never_waits()
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        None
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        self.next().load(key, renewal, now).await
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        self.next().create(key, record, now).await
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        self.next().update(key, record, expected, now).await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        self.next().touch(key, deadline, now).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        self.next().delete(key, why, now).await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        self.next().delete_expired(limit, now).await
    }

    async fn ended(&self, key: SessionHandle) {
        self.next().ended(key).await;
    }
}
