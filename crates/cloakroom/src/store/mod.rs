//! Where records are kept: the contract that every store fulfils.

mod erased;
#[cfg(all(feature = "file", unix))]
mod file;
#[cfg(feature = "litestar")]
pub mod litestar;
mod memory;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "open")]
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod registry;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;
use std::future::Future;

pub use self::erased::{AnyStore, BoxFuture, Call, DynStore};
#[cfg(all(feature = "file", unix))]
pub use self::file::{FileStore, FileStoreBuilder};
pub use self::memory::MemoryStore;
#[cfg(feature = "mysql")]
pub use self::mysql::{MysqlStore, MysqlStoreBuilder};
#[cfg(feature = "open")]
pub use self::open::{open, open_and_migrate};
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresStore, PostgresStoreBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{RedisStore, RedisStoreBuilder};
pub use self::registry::StoreRegistry;
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteStore, SqliteStoreBuilder, SqliteSynchronous};

use crate::error::Result;
use crate::id::{SecretHash, SessionHandle, SessionId};
use crate::record::{Record, Revision};
use crate::time::UnixMillis;

/// A place that keeps records, one under each handle.
///
/// # Contract
/// 1. **Each call takes effect at one point in time, or not at all**, also under races and when its future is
///    dropped half-way.
/// 2. A record whose [`expires_at`](Record::expires_at) is not after `now` does not exist, whatever the
///    store still holds: it is not loaded, updated, touched or counted.
/// 3. [`create`](Self::create) never overwrites a live record.
/// 4. [`update`](Self::update) is a compare-and-set on the revision and never creates. There is no upsert.
/// 5. [`touch`](Self::touch) moves the idle deadline of a live record and nothing else.
/// 6. [`delete`](Self::delete) of nothing succeeds.
/// 7. What was acknowledged is what the next call sees, from any clone of the store.
///
/// A write that fails as [`Unavailable`](crate::ErrorKind::Unavailable), or whose future is dropped, has taken effect, has not,
/// or **may yet**: on a server that stood still, when it goes on. So a store repeats no write by itself, and whoever must
/// know looks for the revision, as the backend does. An update that is late changes nothing that was written meanwhile, since
/// it names what it replaces; a delete that is late ends what was to end. A create takes the place of an ended session, if it
/// does, in a second step after it has seen that end: one that is late, and was repeated meanwhile, brings nothing back.
///
/// What a browser can cause is never an error; errors are for a store that cannot do its work, with
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it may later.
///
/// # Expiry
/// A store never asks for the time: it is told, so that one [`Clock`](crate::Clock) decides every deadline.
///
/// # Cloning
/// Clones of a store are the same store. `Arc<S>` is a store too.
///
/// # Wrappers
/// A store around a store forwards every method; mark the `impl` with
/// `#[deny(clippy::missing_trait_methods)]`, so that a method with a default cannot be bypassed.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// What errors and events call this store, such as `memory`.
    fn name(&self) -> &'static str;

    /// Finds the live record of `key`, and renews it in the same step if `renewal` says that it is due.
    ///
    /// The record is returned as it is after the renewal.
    fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Lookup>> + Send;

    /// Keeps a new record, unless a live one has the key already.
    fn create(
        &self,
        key: SessionHandle,
        record: Record,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Created>> + Send;

    /// Replaces the live record of `key` if it still has the revision `expected`.
    ///
    /// A `record` that is expired at `now` ends the session in the same step: this is a conditional delete.
    fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Updated>> + Send;

    /// Sets the idle deadline of the live record of `key`; whether there was one.
    fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Ends a session; whether there was a live one. `why` is what a later [`load`](Self::load) may report.
    fn delete(
        &self,
        key: SessionHandle,
        why: Ended,
        now: UnixMillis,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Removes up to `limit` expired records; how many it removed. Fewer than `limit` means that none is left.
    fn delete_expired(
        &self,
        limit: usize,
        now: UnixMillis,
    ) -> impl Future<Output = Result<usize>> + Send;

    /// Resolves soon after the record of `key` has been deleted; may resolve without cause, or never.
    ///
    /// Whoever waits looks again with [`load`](Self::load), and at intervals: this only makes it faster. The
    /// default never resolves.
    fn ended(&self, key: SessionHandle) -> impl Future<Output = ()> + Send {
        let _ = key;
        std::future::pending()
    }

    /// Whether every call but [`ended`](Self::ended) is ready when its future is first polled, as it is of a store in
    /// memory.
    ///
    /// Such calls are polled at once and once, so that a request pays for no box and no timer. One that waits nonetheless is
    /// dropped, and fails as [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable). The default is `false`, which is right
    /// for every store.
    fn never_waits(&self) -> bool {
        false
    }

    /// Listing, counting and finding by subject, if the store can.
    fn directory(&self) -> Option<&dyn Directory> {
        None
    }

    /// The same calls by the whole ID, for a store whose keys are IDs since another program reads and writes them.
    ///
    /// Every other store has none, and is never told an ID.
    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        None
    }
}

/// What a store can do if it is told the whole ID: keep a session where another program looks for it.
///
/// The contract is that of [`Store`]. Calls by the handle work as well, for sessions that were loaded or
/// created by their ID once.
pub trait WholeIds: Send + Sync {
    /// [`Store::load`], for whoever presents `id`.
    fn load_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        renewal: Option<&'a Renewal>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Lookup>>;

    /// [`Store::create`] of the session that `id` is to open.
    fn create_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Created>>;

    /// [`Store::update`] of a session that `id` is to open from then on: perhaps another one than before, with
    /// the same handle.
    fn update_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Updated>>;

    /// Ends every session of the namespace, also those that the other program made and that were never seen here;
    /// how many entries it removed. Nothing outside of the namespace is touched.
    ///
    /// It takes as long as there are sessions, and no call meanwhile waits for more than a few of them. One that is created
    /// while it runs may be spared.
    fn delete_all(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>>;
}

/// What a store can do beside keeping records: find them without their handle.
pub trait Directory: Send + Sync {
    /// The live sessions of a subject, in any order.
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>>;

    /// Up to `limit` live sessions with handles after `after`, sorted by handle. An empty page is the end.
    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>>;

    /// The number of live sessions.
    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>>;

    /// Makes sure that sessions of a subject which have ended stay so, should a delete have ended them and failed all the
    /// same, because it was not confirmed.
    ///
    /// A list does not show those any more, so whoever repeats a revocation that failed, of all sessions of the subject,
    /// calls this as well. The default does nothing, which is right for a store whose deletes fail only before they have
    /// done anything, or whose lists see to it.
    ///
    /// # Errors
    /// As that delete.
    fn confirm_ends<'a>(&'a self, subject: &'a str, now: UnixMillis) -> BoxFuture<'a, Result<()>> {
        let _ = (subject, now);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What a store found under a key.
#[derive(Debug, Clone)]
#[must_use]
pub enum Lookup {
    /// A live record.
    Live(Record),
    /// Nothing live; why, as far as the store still knows.
    Absent(Option<Ended>),
}

/// Why a session is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// One of its deadlines has passed.
    Expired,
    /// The visitor ended it: signed out, or the application destroyed it.
    Destroyed,
    /// Someone else ended it: another device of the subject, an operator, a limit on sessions.
    Revoked,
    /// Its old secret was presented after a rotation: the sign of a stolen cookie.
    Reused,
}

/// The outcome of [`Store::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// The record is kept.
    Created,
    /// A live record has the key; nothing changed.
    Occupied,
}

/// The outcome of [`Store::update`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Updated {
    /// The record is replaced.
    Updated,
    /// The live record has another revision; nothing changed.
    Conflict,
    /// There is no live record; nothing changed.
    Gone,
}

/// When a load moves the idle deadline.
///
/// It names the secret that must match, so that whoever knows only a public handle keeps no session alive.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    secret_hash: SecretHash,
    every: Option<std::time::Duration>,
}

impl Renewal {
    /// Renewal for the holder of the ID with this hash, at most once in `every`; `None` is a tenth of the
    /// session's own lifetime.
    pub const fn new(secret_hash: SecretHash, every: Option<std::time::Duration>) -> Self {
        Self { secret_hash, every }
    }

    /// The hash that a record must have to be renewed, for a store that decides where its records are.
    pub const fn secret_hash(&self) -> SecretHash {
        self.secret_hash
    }

    /// The least distance by which a deadline is moved; `None` is a tenth of the session's own lifetime.
    pub const fn every(&self) -> Option<std::time::Duration> {
        self.every
    }

    /// The new idle deadline of a live record, if a renewal is due.
    pub fn due(&self, record: &Record, now: UnixMillis) -> Option<UnixMillis> {
        if record.secret_hash() != self.secret_hash {
            return None;
        }
        let max_age = record.max_age();
        let deadline = now.plus(max_age);
        let step = self.every.unwrap_or(max_age / 10);
        let moved = deadline.since(record.idle_deadline());
        (!moved.is_zero() && moved >= step).then_some(deadline)
    }
}
