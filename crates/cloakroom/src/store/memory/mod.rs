//! Sessions in the memory of the process.

mod directory;
mod shard;
mod shards;
mod slab;
mod tombstones;
mod usage;
mod watch;
mod wheel;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use self::shards::{Shards, lock};
use self::usage::cost;
use self::watch::Waiter;
use super::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::time::UnixMillis;

/// The default of [`MemoryStore::with_max_sessions`].
const MAX_SESSIONS: u64 = 1_000_000;
/// The default of [`MemoryStore::with_max_bytes`]: 1 GiB.
const MAX_BYTES: u64 = 1 << 30;

/// A store in the memory of this process.
///
/// Nothing to install and nothing faster; for tests, for development, and for a site that is one process and
/// may forget its visitors when it restarts. It is **not** for several processes, which would each have their
/// own sessions, and not for sessions that must outlive a deployment.
///
/// # Storage
/// 256 shards, chosen by the first byte of the handle, each under a lock of its own that is never held across
/// an `.await`. A session is its record's one allocation, shared with whoever loaded it, and at most 52 bytes
/// beside key and record, or 64 with a subject, as that is indexed; what the allocator adds is its own. A
/// shard remembers why its last sessions ended: up to 1024, as far as it has had to so far.
///
/// # Expiry
/// An expired session is invisible at its deadline, to the millisecond. Its memory is freed by later calls,
/// each of which does a small bounded part (a timing wheel: no pause, however many sessions) and allocates nothing for it,
/// or by [`delete_expired`](Store::delete_expired).
///
/// # When it is full
/// It holds at most [`with_max_sessions`](Self::with_max_sessions) sessions and
/// [`with_max_bytes`](Self::with_max_bytes) bytes.
/// 1. Expired sessions make room first, then anonymous ones: of a few looked at, the one that would end first.
///    So a flood of visitors without a cookie cannot sign anyone out.
/// 2. If all that remain are signed in, a create, or an update that needs more room, fails with
///    [`ErrorKind::StoreFull`](crate::ErrorKind::StoreFull). Nothing is changed by it.
///
/// Both are warned of through `tracing`, without any ID.
///
/// # Cloning
/// Clones are the same store: settings included.
///
/// # Examples
/// ```
/// use cloakroom::MemoryStore;
///
/// let store = MemoryStore::new().with_max_sessions(50_000).with_max_bytes(64 << 20);
/// let admin = store.with_namespace("admin"); // other keys, same process
/// # let _ = admin;
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shards: Arc<Shards>,
    namespaces: Arc<Mutex<BTreeMap<String, MemoryStore>>>,
}

impl MemoryStore {
    /// An empty store with the default limits: 1 000 000 sessions, 1 GiB.
    pub fn new() -> Self {
        Self::with_limits(MAX_SESSIONS, MAX_BYTES)
    }

    /// Sets how many sessions it holds at most. Default: 1 000 000.
    ///
    /// Applies to all clones. A limit below what it holds evicts nothing at once, but at the next create.
    #[must_use]
    pub fn with_max_sessions(self, sessions: usize) -> Self {
        self.shards.usage.set_max_sessions(sessions as u64);
        self
    }

    /// Sets how many bytes of sessions it holds at most: their records, and 80 for each. Default: 1 GiB.
    ///
    /// Applies to all clones. A limit below what it holds evicts nothing at once, but at the next create.
    #[must_use]
    pub fn with_max_bytes(self, bytes: usize) -> Self {
        self.shards.usage.set_max_bytes(bytes as u64);
        self
    }

    /// The store of this name inside this one: no session is in both, whatever its handle.
    ///
    /// The same name gives the same store, from any clone. Namespaces nest, and names are compared whole:
    /// `a` in `b` is no other namespace's name. A namespace starts with this store's limits and counts for
    /// itself; it lives as long as this store, so names must not come from visitors.
    #[must_use]
    pub fn with_namespace(&self, name: &str) -> Self {
        let usage = &self.shards.usage;
        lock(&self.namespaces)
            .entry(name.to_owned())
            .or_insert_with(|| Self::with_limits(usage.max_sessions(), usage.max_bytes()))
            .clone()
    }

    fn with_limits(max_sessions: u64, max_bytes: u64) -> Self {
        Self { shards: Arc::new(Shards::new(max_sessions, max_bytes)), namespaces: Arc::default() }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints counts only.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("sessions", &self.shards.usage.sessions())
            .field("bytes", &self.shards.usage.bytes())
            .finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
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

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        Ok(self.shards.of(key, |shard| {
            shard.upkeep(now);
            shard.load(key, renewal, now)
        }))
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        self.shards
            .admit(key, cost(record.size()), now, |shard| shard.create(key, record.clone(), now))
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        self.shards.admit(key, cost(record.size()), now, |shard| {
            shard.update(key, record.clone(), expected, now)
        })
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        Ok(self.shards.of(key, |shard| {
            shard.upkeep(now);
            shard.touch(key, deadline, now)
        }))
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        Ok(self.shards.of(key, |shard| {
            shard.upkeep(now);
            shard.delete(key, why, now)
        }))
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        Ok(self.shards.delete_expired(limit, now))
    }

    async fn ended(&self, key: SessionHandle) {
        // Without a record it has ended already: it may have since the caller loaded it.
        if let Some((_place, ended)) = Waiter::join(&self.shards, key) {
            ended.await;
        }
    }
}

#[cfg(test)]
mod tests;
