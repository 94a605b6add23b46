//! Opening connections: the file and its rights, the settings of SQLite, the tables.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::builder::SqliteSynchronous;
use super::failure::Failure;
use super::schema;
use crate::error::ErrorKind;

/// Opens a connection; the application's own way.
pub(super) type Connect = dyn Fn() -> rusqlite::Result<Connection> + Send + Sync;

/// Where connections come from.
pub(super) enum Source {
    /// An absolute path: SQLite reads a name that begins with `file:` as a URL.
    File(PathBuf),
    Own(Box<Connect>),
}

/// All that is needed to open connections, at the start and again after one broke.
pub(super) struct Opener {
    pub(super) source: Source,
    pub(super) synchronous: SqliteSynchronous,
}

impl Opener {
    /// Makes the file if there is none, readable and writable by its owner alone. SQLite gives the files
    /// beside it (`-wal`, `-shm`) the same rights.
    ///
    /// Only at the start: a file that vanished later is on a disk that is not there, or in the bin of somebody
    /// who must know. To begin with an empty one would sign everybody out.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let Source::File(path) = &self.source else { return Ok(()) };
        make_private(path).map_err(|error| {
            let advice = match error.kind() {
                io::ErrorKind::NotFound => "the database's folder does not exist; make it first",
                io::ErrorKind::PermissionDenied => {
                    "the database cannot be made private; it must belong to this user, in a folder where this \
                     user may write"
                }
                _ => "the database file cannot be made",
            };
            Failure::Other(ErrorKind::Unavailable, advice)
        })
    }

    /// A connection that writes, to a database in write-ahead mode that has our tables.
    pub(super) fn writer(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect()?;
        // Before anything is written to what may be another program's.
        let outdated = schema::is_outdated(&mut connection)?;
        use_write_ahead_log(&connection)?;
        let synchronous = match self.synchronous {
            SqliteSynchronous::Full => "FULL",
            SqliteSynchronous::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // Where a plain fsync only reaches the disk's cache (macOS); elsewhere it changes nothing.
        connection.pragma_update(None, "fullfsync", self.synchronous == SqliteSynchronous::Full)?;
        // What was deleted is overwritten where that costs no further page.
        connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
        // After a burst of writes the log is cut to this size when it is next begun anew.
        connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))?;
        if outdated {
            schema::migrate(&mut connection)?;
        }
        Ok(connection)
    }

    /// A connection that only reads.
    pub(super) fn reader(&self) -> Result<Connection, Failure> {
        let connection = self.connect()?;
        // Not a read-only file: a reader may have to make the log's index after a crash.
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -8192)?; // KiB
        Ok(connection)
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let connection = match &self.source {
            Source::File(path) => {
                // Each connection stays on one thread, so that SQLite need not lock it.
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(path, flags)?
            }
            Source::Own(connect) => connect()?,
        };
        // Our threads wait by themselves: SQLite's own waiting grows to 100 ms and is unfair.
        connection.busy_timeout(Duration::ZERO)?;
        // The file is not trusted: its schema runs no function that does more than compute, and is not edited.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    }
}

/// Retries while another connection holds a lock, for as long as `go_on` says.
pub(super) fn patiently<T>(
    mut go_on: impl FnMut() -> bool,
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    loop {
        match attempt() {
            Err(failure) if failure.is_busy() && go_on() => pause(),
            outcome => return outcome,
        }
    }
}

/// A moment for others: 0.1 to 0.6 ms, another time each time, so that processes do not keep step.
pub(super) fn pause() {
    let random = RandomState::new().hash_one(()) % 500;
    // No event tells that another process has released a lock.
    thread::sleep(Duration::from_micros(100 + random));
}

fn use_write_ahead_log(connection: &Connection) -> Result<(), Failure> {
    // It is a property of the file. Looked at first, as setting it wants the file for itself.
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(Failure::Other(
        ErrorKind::Unsupported,
        "the database cannot use a write-ahead log; keep it in a file on a local disk (`MemoryStore` is the \
         store in memory)",
    ))
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    match create_private(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.map(drop),
    }
    // By name: to close a file of our own would release the locks of every connection of this process to it.
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let Ok(metadata) = fs::metadata(&name) else { continue };
        if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(&name, Permissions::from_mode(0o600))?;
            tracing::warn!(
                store = super::NAME,
                "other users could read the sessions; the file is now its owner's alone"
            );
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    match create_private(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file that holds nothing, and makes it if it is not there. Not for files of SQLite.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    create_private(path).or_else(|_| File::open(path))
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::fs::Permissions;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // Also where the process masks rights that we need.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
