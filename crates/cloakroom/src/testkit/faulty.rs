use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::random::Random;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SessionHandle, SessionId};
use crate::record::{Record, Revision};
use crate::store::{
    BoxFuture, Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds,
};
use crate::time::UnixMillis;

/// A store around a store that fails, hangs, loses replies or waits, on command. Clones are the same store.
///
/// # Examples
/// ```
/// # async fn f() {
/// use cloakroom::MemoryStore;
/// use cloakroom::testkit::{Fault, FaultyStore, Operation};
///
/// let store = FaultyStore::new(MemoryStore::new());
/// store.inject(Operation::Update, 2, Fault::LoseReply);
/// // The second update takes effect, and is reported as `Unavailable`.
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FaultyStore<S> {
    inner: S,
    plan: Arc<Mutex<Plan>>,
}

/// A method of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::load`].
    Load,
    /// [`Store::create`].
    Create,
    /// [`Store::update`].
    Update,
    /// [`Store::touch`].
    Touch,
    /// [`Store::delete`].
    Delete,
    /// [`Store::delete_expired`].
    DeleteExpired,
    /// [`Directory::by_subject`].
    BySubject,
    /// [`Directory::page`].
    Page,
    /// [`Directory::count`].
    Count,
    /// [`Directory::confirm_ends`].
    ConfirmEnds,
}

/// What goes wrong with a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// It fails before it has done anything.
    Fail,
    /// It does its work, then fails.
    LoseReply,
    /// It finds bytes that are no record.
    Corrupt,
    /// It never ends.
    Hang,
    /// It waits at the gate, then does its work.
    Wait(Gate),
}

/// Holds a call until it is opened.
#[derive(Debug, Clone)]
pub struct Gate {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self { reached: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }

    /// Resolves when a call waits here.
    pub async fn reached(&self) {
        // The semaphore is never closed.
        if let Ok(permit) = self.reached.acquire().await {
            permit.forget();
        }
    }

    /// Lets one call pass.
    pub fn open(&self) {
        self.open.add_permits(1);
    }

    async fn pass(&self) {
        self.reached.add_permits(1);
        if let Ok(permit) = self.open.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Default)]
struct Plan {
    calls: BTreeMap<Operation, usize>,
    faults: BTreeMap<(Operation, usize), Fault>,
    down: bool,
    /// Of how many calls about one fails, and who decides.
    at_random: Option<(u64, Random)>,
}

impl<S: Store> FaultyStore<S> {
    /// A store that works like `inner` until told otherwise.
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Lets the `nth` call of an operation from now on go wrong; 1 is the next.
    pub fn inject(&self, operation: Operation, nth: usize, fault: Fault) {
        let mut plan = self.plan();
        let at = plan.calls.get(&operation).copied().unwrap_or_default() + nth;
        plan.faults.insert((operation, at), fault);
    }

    /// Lets every call fail, or no longer.
    pub fn set_down(&self, down: bool) {
        self.plan().down = down;
    }

    /// Lets about one call in `one_in` fail, before or after it did its work; the same `seed` decides alike.
    ///
    /// # Panics
    /// If `one_in` is 0.
    pub fn fail_at_random(&self, seed: u64, one_in: u64) {
        assert!(one_in > 0, "one call in none cannot fail");
        self.plan().at_random = Some((one_in, Random(seed)));
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: Operation) -> usize {
        self.plan().calls.get(&operation).copied().unwrap_or_default()
    }

    /// How often any operation was called.
    pub fn all_calls(&self) -> usize {
        self.plan().calls.values().sum()
    }

    /// The store inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let fault = {
            let mut plan = self.plan();
            let count = plan.calls.entry(operation).or_default();
            *count += 1;
            let at = *count;
            let by_chance = plan.at_random.as_mut().and_then(|(one_in, random)| {
                let fault = if random.below(2) == 0 { Fault::Fail } else { Fault::LoseReply };
                (random.below(*one_in) == 0).then_some(fault)
            });
            match plan.down {
                true => Some(Fault::Fail),
                false => plan.faults.remove(&(operation, at)).or(by_chance),
            }
        };
        match fault {
            None => work.await,
            Some(Fault::Fail) => Err(injected()),
            Some(Fault::Corrupt) => {
                Err(Error::new(ErrorKind::Corrupt, "the stored bytes are no record: injected"))
            }
            Some(Fault::LoseReply) => work.await.and(Err(injected())),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Wait(gate)) => {
                gate.pass().await;
                work.await
            }
        }
    }
}

fn injected() -> Error {
    Error::new(ErrorKind::Unavailable, "a fault was injected into the store")
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for FaultyStore<S> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        self.run(Operation::Load, self.inner.load(key, renewal, now)).await
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        self.run(Operation::Create, self.inner.create(key, record, now)).await
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        self.run(Operation::Update, self.inner.update(key, record, expected, now)).await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        self.run(Operation::Touch, self.inner.touch(key, deadline, now)).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        self.run(Operation::Delete, self.inner.delete(key, why, now)).await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        self.run(Operation::DeleteExpired, self.inner.delete_expired(limit, now)).await
    }

    async fn ended(&self, key: SessionHandle) {
        self.inner.ended(key).await;
    }

    fn directory(&self) -> Option<&dyn Directory> {
        self.inner.directory().map(|_| self as &dyn Directory)
    }

    fn never_waits(&self) -> bool {
        false
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        self.inner.whole_ids().map(|_| self as &dyn WholeIds)
    }
}

impl<S: Store> FaultyStore<S> {
    /// The calls by ID inside; these are only given out if there are some.
    fn inner_whole_ids(&self) -> Result<&dyn WholeIds> {
        self.inner
            .whole_ids()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "the store inside takes no IDs"))
    }

    /// The directory inside; this one is only given out if there is one.
    fn inner_directory(&self) -> Result<&dyn Directory> {
        self.inner
            .directory()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "the store inside has no directory"))
    }
}

/// Counted and failed as the same calls by the handle.
impl<S: Store> WholeIds for FaultyStore<S> {
    fn load_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        renewal: Option<&'a Renewal>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Lookup>> {
        let work = async move { self.inner_whole_ids()?.load_by_id(id, renewal, now).await };
        Box::pin(self.run(Operation::Load, work))
    }

    fn create_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Created>> {
        let work = async move { self.inner_whole_ids()?.create_by_id(id, record, now).await };
        Box::pin(self.run(Operation::Create, work))
    }

    fn update_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Updated>> {
        let work =
            async move { self.inner_whole_ids()?.update_by_id(id, record, expected, now).await };
        Box::pin(self.run(Operation::Update, work))
    }

    fn delete_all(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        let work = async move { self.inner_whole_ids()?.delete_all(now).await };
        Box::pin(self.run(Operation::Delete, work))
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Directory for FaultyStore<S> {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        let work = async move { self.inner_directory()?.by_subject(subject, now).await };
        Box::pin(self.run(Operation::BySubject, work))
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        let work = async move { self.inner_directory()?.page(after, limit, now).await };
        Box::pin(self.run(Operation::Page, work))
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        let work = async move { self.inner_directory()?.count(now).await };
        Box::pin(self.run(Operation::Count, work))
    }

    fn confirm_ends<'a>(&'a self, subject: &'a str, now: UnixMillis) -> BoxFuture<'a, Result<()>> {
        let work = async move { self.inner_directory()?.confirm_ends(subject, now).await };
        Box::pin(self.run(Operation::ConfirmEnds, work))
    }
}
