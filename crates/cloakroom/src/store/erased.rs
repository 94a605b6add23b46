//! Stores without their type: the twin of [`Store`] that can be `dyn`.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::time::UnixMillis;

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A call of a store whose type is hidden.
#[must_use]
pub enum Call<'a, T> {
    /// It has been made: the store [never waits](Store::never_waits).
    Made(Result<T>),
    /// It is made by whoever drives the future.
    Waits(BoxFuture<'a, Result<T>>),
}

impl<'a, T> Call<'a, T> {
    fn new(store: &impl Store, future: impl Future<Output = Result<T>> + Send + 'a) -> Self {
        if !store.never_waits() {
            return Self::Waits(Box::pin(future));
        }
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Self::Made(outcome),
            Poll::Pending => Self::Made(Err(waited().with_store(store.name()))),
        }
    }

    /// What the call came to.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn outcome(self) -> Result<T> {
        match self {
            Self::Made(outcome) => outcome,
            Self::Waits(future) => future.await,
        }
    }
}

impl<T> std::fmt::Debug for Call<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Made(_) => "Made(..)",
            Self::Waits(_) => "Waits(..)",
        })
    }
}

fn waited() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "a call waited although `Store::never_waits` says that none does; correct the store",
    )
}

/// [`Store`] without generic futures, so that it can be `dyn`. Every store is one, by the one `impl` below.
pub trait DynStore: std::fmt::Debug + Send + Sync + 'static {
    /// [`Store::name`].
    fn dyn_name(&self) -> &'static str;
    /// [`Store::directory`].
    fn dyn_directory(&self) -> Option<&dyn Directory>;
    /// [`Store::never_waits`].
    fn dyn_never_waits(&self) -> bool;
    /// [`Store::whole_ids`].
    fn dyn_whole_ids(&self) -> Option<&dyn WholeIds>;
    /// [`Store::load`].
    fn dyn_load<'a>(
        &'a self,
        key: SessionHandle,
        renewal: Option<&'a Renewal>,
        now: UnixMillis,
    ) -> Call<'a, Lookup>;
    /// [`Store::create`].
    fn dyn_create<'a>(
        &'a self,
        key: SessionHandle,
        record: Record,
        now: UnixMillis,
    ) -> Call<'a, Created>;
    /// [`Store::update`].
    fn dyn_update<'a>(
        &'a self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Call<'a, Updated>;
    /// [`Store::touch`].
    fn dyn_touch<'a>(
        &'a self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Call<'a, bool>;
    /// [`Store::delete`].
    fn dyn_delete<'a>(&'a self, key: SessionHandle, why: Ended, now: UnixMillis) -> Call<'a, bool>;
    /// [`Store::delete_expired`].
    fn dyn_delete_expired<'a>(&'a self, limit: usize, now: UnixMillis) -> Call<'a, usize>;
    /// [`Store::ended`].
    fn dyn_ended<'a>(&'a self, key: SessionHandle) -> BoxFuture<'a, ()>;
}

impl<S: Store> DynStore for S {
    fn dyn_name(&self) -> &'static str {
        self.name()
    }
    fn dyn_directory(&self) -> Option<&dyn Directory> {
        self.directory()
    }
    fn dyn_never_waits(&self) -> bool {
        self.never_waits()
    }
    fn dyn_whole_ids(&self) -> Option<&dyn WholeIds> {
        self.whole_ids()
    }
    fn dyn_load<'a>(
        &'a self,
        key: SessionHandle,
        renewal: Option<&'a Renewal>,
        now: UnixMillis,
    ) -> Call<'a, Lookup> {
        Call::new(self, self.load(key, renewal, now))
    }
    fn dyn_create<'a>(
        &'a self,
        key: SessionHandle,
        record: Record,
        now: UnixMillis,
    ) -> Call<'a, Created> {
        Call::new(self, self.create(key, record, now))
    }
    fn dyn_update<'a>(
        &'a self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Call<'a, Updated> {
        Call::new(self, self.update(key, record, expected, now))
    }
    fn dyn_touch<'a>(
        &'a self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Call<'a, bool> {
        Call::new(self, self.touch(key, deadline, now))
    }
    fn dyn_delete<'a>(&'a self, key: SessionHandle, why: Ended, now: UnixMillis) -> Call<'a, bool> {
        Call::new(self, self.delete(key, why, now))
    }
    fn dyn_delete_expired<'a>(&'a self, limit: usize, now: UnixMillis) -> Call<'a, usize> {
        Call::new(self, self.delete_expired(limit, now))
    }
    fn dyn_ended<'a>(&'a self, key: SessionHandle) -> BoxFuture<'a, ()> {
        Box::pin(self.ended(key))
    }
}

/// Any store, behind one pointer: what the backend keeps, so that its users name no store type.
#[derive(Debug, Clone)]
pub struct AnyStore(Arc<dyn DynStore>);

impl AnyStore {
    /// Hides the type of a store.
    pub fn new(store: impl Store) -> Self {
        Self(Arc::new(store))
    }

    /// The store with its type hidden.
    pub(crate) fn erased(&self) -> &dyn DynStore {
        &*self.0
    }
}

impl From<Arc<dyn DynStore>> for AnyStore {
    fn from(store: Arc<dyn DynStore>) -> Self {
        Self(store)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for AnyStore {
    fn name(&self) -> &'static str {
        self.0.dyn_name()
    }
    fn directory(&self) -> Option<&dyn Directory> {
        self.0.dyn_directory()
    }
    fn never_waits(&self) -> bool {
        self.0.dyn_never_waits()
    }
    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        self.0.dyn_whole_ids()
    }
    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        self.0.dyn_load(key, renewal, now).outcome().await
    }
    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        self.0.dyn_create(key, record, now).outcome().await
    }
    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        self.0.dyn_update(key, record, expected, now).outcome().await
    }
    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        self.0.dyn_touch(key, deadline, now).outcome().await
    }
    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        self.0.dyn_delete(key, why, now).outcome().await
    }
    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        self.0.dyn_delete_expired(limit, now).outcome().await
    }
    async fn ended(&self, key: SessionHandle) {
        self.0.dyn_ended(key).await;
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Arc<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn directory(&self) -> Option<&dyn Directory> {
        (**self).directory()
    }
    fn never_waits(&self) -> bool {
        (**self).never_waits()
    }
    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        (**self).whole_ids()
    }
    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        (**self).load(key, renewal, now).await
    }
    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        (**self).create(key, record, now).await
    }
    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        (**self).update(key, record, expected, now).await
    }
    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        (**self).touch(key, deadline, now).await
    }
    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        (**self).delete(key, why, now).await
    }
    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        (**self).delete_expired(limit, now).await
    }
    async fn ended(&self, key: SessionHandle) {
        (**self).ended(key).await;
    }
}
