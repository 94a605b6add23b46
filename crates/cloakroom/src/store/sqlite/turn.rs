//! Turns between processes that write one file.
//!
//! SQLite's own lock is had by polling: a process that writes one transaction after another leaves the others so
//! short a moment that on a busy machine some wait for seconds. So the writers queue for two locks of the
//! operating system, which wakes them in order. Whoever has `next` will have `turn` after whoever has it now, and
//! gives up `next` then; so one who has just written is behind all who wait.
//!
//! The locks decide who is next, never what is safe: without them all is as it was, only less fair.

use std::fs::File;

use super::connection::open_private;

/// The two locks, in files beside the database.
pub(super) struct Turns(Option<(File, File)>);

/// It is our turn until this is dropped.
pub(super) struct Turn<'a>(Option<&'a File>);

impl Turns {
    /// Where a database has no path, or where files cannot be locked, everybody is next.
    pub(super) fn beside(database: Option<&str>) -> Self {
        let open = |suffix| {
            let path = database.filter(|path| !path.is_empty())?;
            open_private(format!("{path}{suffix}").as_ref()).ok()
        };
        Self(open("-next").zip(open("-turn")).filter(|(next, _)| lock(next) && unlock(next)))
    }

    pub(super) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Waits until it is our turn. Nobody keeps it for longer than a transaction.
    pub(super) fn wait(&self) -> Turn<'_> {
        let Some((next, turn)) = &self.0 else { return Turn(None) };
        // Where locking fails it is as if it were not there.
        lock(next);
        lock(turn);
        unlock(next);
        Turn(Some(turn))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(turn) = self.0 {
            unlock(turn);
        }
    }
}

#[cfg(unix)]
fn lock(file: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};

    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Err(rustix::io::Errno::INTR) => {}
            outcome => return outcome.is_ok(),
        }
    }
}

#[cfg(unix)]
fn unlock(file: &File) -> bool {
    rustix::fs::flock(file, rustix::fs::FlockOperation::Unlock).is_ok()
}

#[cfg(not(unix))]
fn lock(_: &File) -> bool {
    false
}

#[cfg(not(unix))]
fn unlock(_: &File) -> bool {
    false
}
