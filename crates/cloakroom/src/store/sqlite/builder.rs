//! Settings of the store, and opening it.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::call::unavailable;
use super::connection::{Opener, Source};
use super::queue::Queue;
use super::watch::Watchers;
use super::{NAME, Shared, SqliteStore, worker};
use crate::error::{Error, Result};

/// How long opening may take: other processes may be making the tables.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first release of SQLite without a bug by which, very rarely, two connections that write at the same
/// moment damage the file (sqlite.org/wal.html, "The WAL-Reset Bug"). What `rusqlite` brings by itself has it not; a build may
/// link another.
const SOUND_VERSION: i32 = 3_051_003;

/// When a write counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SqliteSynchronous {
    /// Once the disk has it: neither a crash nor a power cut undoes what was acknowledged. The default.
    #[default]
    Full,
    /// Once the operating system has it, which is several times faster. A crash of the process undoes nothing; a
    /// power cut or a crash of the machine may undo the last seconds, a sign-out among them, and never damages
    /// the file.
    Normal,
}

/// Settings of a [`SqliteStore`].
///
/// # Examples
/// ```no_run
/// # async fn f() -> cloakroom::Result<()> {
/// use cloakroom::store::SqliteStore;
/// use std::time::Duration;
///
/// let store = SqliteStore::builder()
///     .with_timeout(Duration::from_secs(1))
///     .with_readers(4)
///     .open("/var/lib/shop/sessions.db")
///     .await?;
/// # let _ = store;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SqliteStoreBuilder {
    timeout: Duration,
    readers: usize,
    synchronous: SqliteSynchronous,
    remember_ends: Duration,
}

impl SqliteStoreBuilder {
    pub(super) fn new() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            readers: thread::available_parallelism().map_or(2, |cores| cores.get().min(4)),
            synchronous: SqliteSynchronous::default(),
            remember_ends: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// How long a call waits for its turn. Default: 2 s, as long as a visitor should wait.
    ///
    /// The turn comes when earlier calls are done and no other process holds the database's lock. A call that
    /// waited in vain fails with [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) and has done nothing.
    /// One that was begun may take as long again.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many threads read, each with a connection of its own. Default: one a core, at most 4; at least 1.
    ///
    /// One more thread writes: SQLite has one writer at a time.
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// When a write counts as done. Default: [`SqliteSynchronous::Full`].
    pub fn with_synchronous(mut self, synchronous: SqliteSynchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How long the store remembers why a session was ended. Default: 1 day; zero is not at all.
    ///
    /// It keeps the handle, the reason and when to forget them, about 60 bytes. Longer explains more to visitors
    /// who come back late.
    pub fn with_remembered_ends(mut self, time: Duration) -> Self {
        self.remember_ends = time;
        self
    }

    /// Opens the database in a file, which is made if it is not there. Its folder must be.
    ///
    /// Several processes may do so at once; one makes the tables. A file that other users may read or write is
    /// made private. The future may be dropped: what was begun ends by itself.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the file cannot be made, read or written,
    ///   is damaged, or stays locked for 30 s.
    /// - [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if it is another program's database, or on a
    ///   file system without shared memory.
    /// - [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if a later version of this library made it.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore> {
        let path = std::path::absolute(path).map_err(|_| {
            unavailable("the path of the database is empty, or the working directory is not there")
        })?;
        self.start(Source::File(path)).await
    }

    /// Opens the database by a function of yours: for SQLCipher's key, or a file system of your own.
    ///
    /// It is called once for each thread, and again when a connection broke. All connections must be to the same
    /// file, which may not be in memory, and become the store's: it sets how they wait, write and are trusted.
    /// The rights of the file are left to you.
    ///
    /// `rusqlite` must be the version that this library uses; its range is wide so that Cargo finds one for both.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with<F>(self, connect: F) -> Result<SqliteStore>
    where
        F: Fn() -> rusqlite::Result<Connection> + Send + Sync + 'static,
    {
        self.start(Source::Own(Box::new(connect))).await
    }

    async fn start(self, source: Source) -> Result<SqliteStore> {
        if rusqlite::version_number() < SOUND_VERSION {
            tracing::warn!(
                store = NAME,
                version = rusqlite::version(),
                "this SQLite may damage its file, very rarely; link 3.51.3 or later, as rusqlite brings it"
            );
        }
        let opener = Arc::new(Opener { source, synchronous: self.synchronous });
        let watchers = Arc::new(Watchers::default());
        let shared = Shared {
            reads: Arc::new(Queue::default()),
            writes: Arc::new(Queue::default()),
            watchers: watchers.clone(),
            timeout: self.timeout,
            remember_ends: self.remember_ends,
        };
        let (ready, opened) = oneshot::channel();
        worker::start_writer(opener.clone(), shared.writes.clone(), watchers, ready)
            .map_err(no_thread)?;
        match tokio::time::timeout(PATIENCE, opened).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(failure))) => return Err(failure.to_error().with_store(NAME)),
            Ok(Err(_)) => {
                return Err(unavailable("opening the database has failed").with_store(NAME));
            }
            Err(_) => {
                return Err(unavailable(
                    "the database stayed locked for 30 s; see which process holds it",
                )
                .with_store(NAME));
            }
        }
        for _ in 0..self.readers {
            worker::start_reader(opener.clone(), shared.reads.clone()).map_err(no_thread)?;
        }
        Ok(SqliteStore { shared: Arc::new(shared), namespace: Arc::from("") })
    }
}

fn no_thread(error: std::io::Error) -> Error {
    unavailable("the operating system gave no thread").with_source(error).with_store(NAME)
}
