//! Sessions in one SQLite file.

mod builder;
mod call;
mod connection;
mod database;
mod directory;
mod failure;
mod operations;
mod queue;
mod reader;
mod row;
mod schema;
mod turn;
mod url;
mod watch;
mod worker;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use self::builder::{SqliteStoreBuilder, SqliteSynchronous};
use self::call::{IfDropped, call};
use self::database::Database;
use self::failure::Failure;
use self::operations::At;
use self::queue::Queue;
use self::row::Columns;
pub(super) use self::url::open;
use self::watch::Watchers;
use super::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::time::UnixMillis;

const NAME: &str = "sqlite";
/// Expired sessions that one transaction removes, so that others are not kept waiting.
const SWEEP: usize = 250;

/// A store in one SQLite file: nothing to install, survives restarts, shared by the processes of one machine.
///
/// For a site on one machine, be it one process or several. It is **not** for a file on a network file system,
/// which breaks SQLite's locks, and not for several machines: use a database server there.
///
/// # Storage
/// A row a session in the table `sessions`, every field in a column of its own; the data as JSON text if that is
/// the session's encoding, as bytes otherwise. Tables, indexes and a query to look at them with are in
/// `docs/stores.md`. The file should hold nothing else, is its owner's alone (mode 0600), and does not shrink:
/// room of ended sessions is used again.
///
/// # Threads
/// One thread writes and a few read, each with a connection of its own, so that no call blocks the runtime. Calls
/// that wait for the writer share one transaction and one wait for the disk; each has its own outcome. A load
/// that renews nothing never waits for the writer. The threads end with the last clone of the store.
///
/// # Durability
/// With [`SqliteSynchronous::Full`], the default, what was acknowledged survives a power cut, if the disk tells the
/// truth. While the disk is full, calls that write fail with
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) and change nothing; when there is space again they
/// work again.
///
/// # Cancellation
/// A call whose future is dropped happens as a whole or not at all. A [`delete`](Store::delete) always happens.
///
/// # Cloning
/// Clones are the same store.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cloakroom::store::SqliteStore;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sessions.db");
/// let store = SqliteStore::open(path).await?;
/// let admin = store.with_namespace("admin"); // other sessions, same file
/// # let _ = admin;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    namespace: Arc<str>,
}

/// What the clones and namespaces of a store share.
struct Shared {
    reads: Arc<Queue>,
    writes: Arc<Queue>,
    watchers: Arc<Watchers>,
    timeout: Duration,
    remember_ends: Duration,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.reads.close();
        self.writes.close();
    }
}

impl SqliteStore {
    /// Opens the database in a file with the default settings; the file is made if it is not there.
    ///
    /// # Errors
    /// As [`SqliteStoreBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().open(path).await
    }

    /// The settings, to change before opening.
    pub fn builder() -> SqliteStoreBuilder {
        SqliteStoreBuilder::new()
    }

    /// The store of this name inside this one: no session is in both, whatever its handle.
    ///
    /// The same name gives the same sessions, in every process. Namespaces nest, and names are compared whole:
    /// `a` in `b` is no other namespace's name. They share threads, settings and the file.
    #[must_use]
    pub fn with_namespace(&self, name: &str) -> Self {
        // Each name has a `/` before it and none inside, so that no two paths are spelled alike.
        let name = name.replace('%', "%25").replace('/', "%2F");
        Self {
            shared: self.shared.clone(),
            namespace: Arc::from(format!("{}/{name}", self.namespace)),
        }
    }

    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Database<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let answer = call(&self.shared.reads, self.shared.timeout, IfDropped::Skip, work).await;
        answer.map_err(|error| error.with_store(NAME))
    }

    async fn write<T, F>(&self, if_dropped: IfDropped, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Database<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let answer = call(&self.shared.writes, self.shared.timeout, if_dropped, work).await;
        answer.map_err(|error| error.with_store(NAME))
    }

    fn at(&self, key: SessionHandle, now: UnixMillis) -> At {
        At { namespace: self.namespace.clone(), key, now }
    }

    /// When the end of a session is to be forgotten, if it is to be remembered.
    fn forget_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        let time = self.shared.remember_ends;
        (!time.is_zero()).then(|| now.plus(time))
    }
}

/// Prints the namespace only.
impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for SqliteStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn never_waits(&self) -> bool {
        false
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
        let at = self.at(key, now);
        let found = self.read(move |db| operations::load(db, &at)).await?;
        let (Lookup::Live(record), Some(&renewal)) = (&found, renewal) else { return Ok(found) };
        if renewal.due(record, now).is_none() {
            return Ok(found);
        }
        // Looked up again where it is written: that it is there and due must hold when it is renewed.
        let at = self.at(key, now);
        self.write(IfDropped::Skip, move |db| operations::load_and_renew(db, &at, &renewal)).await
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        let (at, columns) = (self.at(key, now), Columns::of(&record)?);
        self.write(IfDropped::Skip, move |db| operations::create(db, &at, &columns)).await
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        let columns = (!record.is_expired(now)).then(|| Columns::of(&record)).transpose()?;
        let (at, forget_at) = (self.at(key, now), self.forget_at(now));
        self.write(IfDropped::Skip, move |db| {
            operations::update(db, &at, columns.as_ref(), expected, forget_at)
        })
        .await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        let at = self.at(key, now);
        self.write(IfDropped::Skip, move |db| operations::touch(db, &at, deadline)).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        let (at, forget_at) = (self.at(key, now), self.forget_at(now));
        self.write(IfDropped::Finish, move |db| operations::delete(db, &at, why, forget_at)).await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        let mut removed = 0;
        while removed < limit {
            let (namespace, part) = (self.namespace.clone(), SWEEP.min(limit - removed));
            let count = self
                .write(IfDropped::Skip, move |db| {
                    operations::delete_expired(db, &namespace, part, now)
                })
                .await?;
            removed += count;
            if count < part {
                break;
            }
        }
        Ok(removed)
    }

    async fn ended(&self, key: SessionHandle) {
        self.shared.watchers.ended((self.namespace.clone(), key)).await;
    }
}

#[cfg(test)]
mod tests;
