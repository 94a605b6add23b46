//! Sessions as files in a folder.

mod builder;
mod call;
mod directory;
mod disk;
mod entry;
mod failure;
mod names;
mod namespace;
mod operations;
mod root;
mod url;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use self::builder::FileStoreBuilder;
use self::call::{Gates, IfDropped};
use self::failure::Failure;
use self::namespace::{Leaf, Namespace, Root};
use self::operations::At;
pub(super) use self::url::open;
use super::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::time::UnixMillis;

const NAME: &str = "file";
/// Folders that a sweep looks at in one call to the disk.
const SWEEP: usize = 16;

/// A store of one file a session: nothing to install or to compile, survives restarts, shared by the processes
/// of one machine, and looked at with `ls`.
///
/// For a small site on one machine. It is **not** for a network file system, whose locks and renames promise less;
/// not for several machines; and not for many writes: each waits for the disk twice. `SqliteStore` serves
/// more writes on the same disk, and lists faster. Unix only.
///
/// # Storage
/// `sessions/a/b/ab….`: a file for each session, named by its handle in hexadecimal, in one of 256 folders; its
/// content is [`Record::to_bytes`], or a line that says why the session ended. `subjects/` is an index with an
/// empty file for each session of a subject, `namespaces/` holds the same again for each namespace. The layout is
/// described in `docs/stores.md`. Folders have mode 0700, files 0600, whatever the umask.
///
/// # Threads
/// Calls go to the threads on which tokio lets work block, 16 that read and 32 that write at most.
///
/// # Durability
/// A change is written to a new file, which is synced, renamed over the old one, and its folder synced, before it is
/// acknowledged: after a power cut the old or the new content is there, never a mix, and no sign-out is
/// undone, if the disk tells the truth. While the disk is full, calls that write fail with
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) and change nothing; signing out works nevertheless.
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
/// use cloakroom::store::FileStore;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sessions");
/// let store = FileStore::open(path).await?;
/// let admin = store.with_namespace("admin"); // other sessions, same folder
/// # let _ = admin;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct FileStore {
    shared: Arc<Shared>,
    namespace: Arc<Namespace>,
    /// Where the last sweep ended, so that the next one goes on there.
    swept: Arc<AtomicUsize>,
}

/// What the clones and namespaces of a store share.
struct Shared {
    gates: Gates,
    remember_ends: Duration,
}

impl FileStore {
    /// Opens a folder with the default settings; it is made if it is not there.
    ///
    /// # Errors
    /// As [`FileStoreBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().open(path).await
    }

    /// The settings, to change before opening.
    pub fn builder() -> FileStoreBuilder {
        FileStoreBuilder::new()
    }

    fn new(root: Root, gates: Gates, remember_ends: Duration) -> Self {
        Self {
            shared: Arc::new(Shared { gates, remember_ends }),
            namespace: Arc::new(Namespace::nameless(Arc::new(root))),
            swept: Arc::default(),
        }
    }

    /// The store of this name inside this one: no session is in both, whatever its handle.
    ///
    /// The same name gives the same sessions, in every process. Namespaces nest, and names are compared whole. They
    /// share settings and the folder; each takes up to 256 folders of its own.
    #[must_use]
    pub fn with_namespace(&self, name: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            namespace: Arc::new(self.namespace.inside(name)),
            swept: Arc::default(),
        }
    }

    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        self.shared.gates.read(work).await.map_err(|error| error.with_store(NAME))
    }

    /// Changes what is there; where nothing can be there, the outcome is `absent`.
    async fn change<T, F>(
        &self,
        key: SessionHandle,
        now: UnixMillis,
        if_dropped: IfDropped,
        absent: T,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&At<'_>, &Leaf) -> Result<T, Failure> + Send + 'static,
    {
        let namespace = self.namespace.clone();
        let leaf = names::leaf(key);
        let gates = &self.shared.gates;
        let outcome = gates.write(leaf, if_dropped, move |ticket| {
            let Some(leaf) = namespace.lock(leaf)? else { return Ok(absent) };
            ticket.claim()?;
            work(&At { namespace: &namespace, key, now }, &leaf)
        });
        outcome.await.map_err(|error| error.with_store(NAME))
    }

    /// The folders, of those from `first` on, in which a sweep finds something.
    async fn wasteful(&self, first: usize, now: UnixMillis) -> Result<Vec<u8>> {
        let namespace = self.namespace.clone();
        self.read(move || {
            let mut found = Vec::new();
            for leaf in first..first + SWEEP {
                let leaf = (leaf % names::LEAVES) as u8;
                if operations::has_waste(&namespace, leaf, now)? {
                    found.push(leaf);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn sweep(&self, leaf: u8, limit: usize, now: UnixMillis) -> Result<usize> {
        let namespace = self.namespace.clone();
        let outcome = self.shared.gates.write(leaf, IfDropped::Skip, move |ticket| {
            let Some(leaf) = namespace.lock(leaf)? else { return Ok(0) };
            ticket.claim()?;
            Ok(operations::sweep(&namespace, &leaf, limit, now)?.len())
        });
        outcome.await.map_err(|error| error.with_store(NAME))
    }

    /// When the end of a session is to be forgotten, if it is to be remembered.
    fn forget_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        let time = self.shared.remember_ends;
        (!time.is_zero()).then(|| now.plus(time))
    }
}

/// Prints no path.
impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for FileStore {
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
        let namespace = self.namespace.clone();
        let found = self.read(move || operations::load(&At { namespace: &namespace, key, now }));
        let found = found.await?;
        let (Lookup::Live(record), Some(&renewal)) = (&found, renewal) else { return Ok(found) };
        if renewal.due(record, now).is_none() {
            return Ok(found);
        }
        // Looked up again under the lock: that it is there and due must hold when it is renewed.
        self.change(key, now, IfDropped::Skip, Lookup::Absent(None), move |at, leaf| {
            operations::load_and_renew(at, leaf, &renewal)
        })
        .await
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        let (namespace, leaf) = (self.namespace.clone(), names::leaf(key));
        let outcome = self.shared.gates.write(leaf, IfDropped::Skip, move |ticket| {
            let leaf = namespace.make_and_lock(leaf)?;
            ticket.claim()?;
            operations::create(&At { namespace: &namespace, key, now }, &leaf, &record)
        });
        outcome.await.map_err(|error| error.with_store(NAME))
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        let forget_at = self.forget_at(now);
        self.change(key, now, IfDropped::Skip, Updated::Gone, move |at, leaf| {
            operations::update(at, leaf, &record, expected, forget_at)
        })
        .await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        self.change(key, now, IfDropped::Skip, false, move |at, leaf| {
            operations::touch(at, leaf, deadline)
        })
        .await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        let forget_at = self.forget_at(now);
        self.change(key, now, IfDropped::Finish, false, move |at, leaf| {
            operations::delete(at, leaf, why, forget_at)
        })
        .await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        let start = self.swept.load(Ordering::Relaxed);
        let mut removed = 0;
        for first in (start..start + names::LEAVES).step_by(SWEEP) {
            if removed == limit {
                break;
            }
            for leaf in self.wasteful(first, now).await? {
                removed += self.sweep(leaf, limit - removed, now).await?;
            }
            self.swept.store(first % names::LEAVES, Ordering::Relaxed);
        }
        Ok(removed)
    }

    async fn ended(&self, key: SessionHandle) {
        // Others on the same folder would not be heard; whoever waits looks at intervals.
        let _ = key;
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests;
