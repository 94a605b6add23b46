//! The memory store with a point before and after each call at which others may come first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::store::{BoxFuture, Created, Directory, Ended, Lookup, Renewal, Updated, WholeIds};
use cloakroom::{MemoryStore, Record, Result, Revision, SessionHandle, Store, UnixMillis};

use crate::explorer::{next_turn, running};

/// Where others may come in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Steps {
    /// Before each call: every order in which calls take effect.
    Calls,
    /// Before each call and before its reply: who takes a lock of the backend first varies as well.
    CallsAndReplies,
}

/// What a call did, in the order in which the calls took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) task: usize,
    pub(crate) key: Option<SessionHandle>,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Found it live.
    Found,
    /// Wrote it.
    Wrote,
    /// Ended it.
    Ended,
    /// Found or changed nothing.
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct Stepped {
    inner: MemoryStore,
    steps: Steps,
    log: Arc<Mutex<Vec<Event>>>,
}

impl Stepped {
    pub(crate) fn new(inner: MemoryStore, steps: Steps) -> Self {
        Self { inner, steps, log: Arc::default() }
    }

    /// Forgets what happened so far.
    pub(crate) fn forget(&self) {
        self.log().clear();
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.log().clone()
    }

    fn log(&self) -> MutexGuard<'_, Vec<Event>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T>(
        &self,
        key: Option<SessionHandle>,
        work: impl Future<Output = Result<T>> + Send,
        what: impl FnOnce(&T) -> What + Send,
    ) -> Result<T> {
        next_turn().await;
        let done = work.await?;
        self.log().push(Event { task: running(), key, what: what(&done) });
        if self.steps == Steps::CallsAndReplies {
            next_turn().await;
        }
        Ok(done)
    }
}

fn either(yes: bool, what: What) -> What {
    if yes { what } else { What::Nothing }
}

#[deny(clippy::missing_trait_methods)]
impl Store for Stepped {
    fn name(&self) -> &'static str {
        "stepped"
    }

    fn never_waits(&self) -> bool {
        false
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
        let what = |found: &Lookup| either(matches!(found, Lookup::Live(_)), What::Found);
        self.call(Some(key), self.inner.load(key, renewal, now), what).await
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        let what = |done: &Created| either(*done == Created::Created, What::Wrote);
        self.call(Some(key), self.inner.create(key, record, now), what).await
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        let wrote = if record.is_expired(now) { What::Ended } else { What::Wrote };
        let what = move |done: &Updated| either(*done == Updated::Updated, wrote);
        self.call(Some(key), self.inner.update(key, record, expected, now), what).await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        let work = self.inner.touch(key, deadline, now);
        self.call(Some(key), work, |done| either(*done, What::Wrote)).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        let work = self.inner.delete(key, why, now);
        self.call(Some(key), work, |done| either(*done, What::Ended)).await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        self.call(None, self.inner.delete_expired(limit, now), |_| What::Nothing).await
    }

    async fn ended(&self, key: SessionHandle) {
        self.inner.ended(key).await;
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }
}

impl Directory for Stepped {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(self.call(None, self.inner.by_subject(subject, now), |_| What::Nothing))
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(self.call(None, self.inner.page(after, limit, now), |_| What::Nothing))
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.call(None, self.inner.count(now), |_| What::Nothing))
    }
}
