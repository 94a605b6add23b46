//! Settings of the store, and opening it.

use std::path::Path;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::call::{Gates, unavailable};
use super::disk::Disk;
use super::{FileStore, NAME, root};
use crate::error::Result;

/// Settings of a [`FileStore`].
///
/// # Examples
/// ```no_run
/// # async fn f() -> cloakroom::Result<()> {
/// use cloakroom::store::FileStore;
/// use std::time::Duration;
///
/// let store = FileStore::builder()
///     .with_timeout(Duration::from_secs(1))
///     .open("/var/lib/shop/sessions")
///     .await?;
/// # let _ = store;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct FileStoreBuilder {
    timeout: Duration,
    remember_ends: Duration,
}

impl FileStoreBuilder {
    pub(super) fn new() -> Self {
        Self { timeout: Duration::from_secs(2), remember_ends: Duration::from_secs(24 * 60 * 60) }
    }

    /// How long a call waits for its turn. Default: 2 s, as long as a visitor should wait.
    ///
    /// The turn comes when no other call, of any process, changes the same one of 256 folders. A call that waited in
    /// vain fails with [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) and has done nothing. One
    /// that was begun may take as long again.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long the store remembers why a session was ended. Default: 1 day; zero is not at all.
    ///
    /// It keeps the reason and when to forget it, in the file of the session; that is a block of the file system.
    /// Longer explains more to visitors who come back late.
    pub fn with_remembered_ends(mut self, time: Duration) -> Self {
        self.remember_ends = time;
        self
    }

    /// Opens a folder, which is made if it is not there. The folder that it is in must be.
    ///
    /// There is no default path. The folder is to belong to this user, hold sessions alone, and be no link, not
    /// writable by others, and not directly in one that everybody may write to, such as `/tmp`: what lies there can
    /// be put there by others, and is cleared at times. If others may read it, they no longer may.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it cannot be made, read or written.
    /// - [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if it is one of those above, holds something
    ///   else, or is on a file system without locks.
    /// - [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if a later version of this library made it.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<FileStore> {
        let path = std::path::absolute(path).map_err(|_| {
            unavailable("the path of the folder is empty, or the working directory is not there")
                .with_store(NAME)
        })?;
        let opened = spawn_blocking(move || root::open(&path, Disk::default()));
        let root = opened
            .await
            .map_err(|_| unavailable("opening the folder has failed").with_store(NAME))?
            .map_err(|failure| failure.into_error().with_store(NAME))?;
        Ok(FileStore::new(root, Gates::new(self.timeout), self.remember_ends))
    }
}
