//! The folders of a namespace, opened one by one below the store's own, never through a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::disk::Disk;
use super::failure::Failure;
use super::names::{LEAVES, NAMESPACES, SESSIONS, SUBJECTS, levels, namespace, subject};
use crate::id::SessionHandle;

/// The store's folder, checked once and kept open: what is put in its place later is not used.
pub(super) struct Root {
    pub(super) disk: Disk,
    pub(super) folder: OwnedFd,
}

/// A namespace in it.
pub(super) struct Namespace {
    pub(super) root: Arc<Root>,
    /// The folders on the way to it.
    path: Vec<String>,
    /// Whether this process has made sure that a folder of sessions is there, also after a power cut.
    ready: Vec<AtomicBool>,
}

/// A folder of sessions whose lock is held, by one writer of all processes, until this is dropped.
pub(super) struct Leaf(OwnedFd);

impl AsFd for Leaf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Namespace {
    pub(super) fn nameless(root: Arc<Root>) -> Self {
        Self::at(root, Vec::new())
    }

    pub(super) fn inside(&self, name: &str) -> Self {
        let mut path = self.path.clone();
        path.extend([NAMESPACES.to_owned(), namespace(name)]);
        Self::at(self.root.clone(), path)
    }

    fn at(root: Arc<Root>, path: Vec<String>) -> Self {
        Self { root, path, ready: (0..LEAVES).map(|_| AtomicBool::new(false)).collect() }
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.root.disk
    }

    /// A folder of sessions, without its lock.
    pub(super) fn leaf(&self, leaf: u8) -> Result<Option<OwnedFd>, Failure> {
        let [high, low] = levels(leaf);
        self.open(&[SESSIONS, high, low])
    }

    /// A folder of sessions with its lock, unless nothing was ever put there.
    pub(super) fn lock(&self, leaf: u8) -> Result<Option<Leaf>, Failure> {
        self.leaf(leaf)?.map(|folder| self.locked(folder)).transpose()
    }

    /// A folder of sessions with its lock; it is made if it is not there.
    pub(super) fn make_and_lock(&self, leaf: u8) -> Result<Leaf, Failure> {
        let [high, low] = levels(leaf);
        let path = [SESSIONS, high, low];
        let ready = &self.ready[usize::from(leaf)];
        // Even where it is there already: whoever made it may have been killed before it was durable.
        let folder = if ready.load(Ordering::Relaxed) { self.open(&path)? } else { None };
        let folder = match folder {
            Some(folder) => folder,
            None => {
                let folder = self.make(&path)?;
                ready.store(true, Ordering::Relaxed);
                folder
            }
        };
        self.locked(folder)
    }

    /// The lock of a folder, if nobody else has it.
    pub(super) fn try_lock(&self, leaf: u8) -> Result<Option<Leaf>, Failure> {
        let Some(folder) = self.leaf(leaf)? else { return Ok(None) };
        match self.disk().lock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            outcome => Ok(outcome.map(|()| Some(Leaf(folder)))?),
        }
    }

    fn locked(&self, folder: OwnedFd) -> Result<Leaf, Failure> {
        self.disk().lock(&folder, FlockOperation::LockExclusive)?;
        Ok(Leaf(folder))
    }

    /// The names in a folder of sessions, at one moment: while nobody renames a file there, which some file
    /// systems would show as missing.
    pub(super) fn list(&self, leaf: u8) -> Result<Option<(OwnedFd, Vec<String>)>, Failure> {
        let Some(folder) = self.leaf(leaf)? else { return Ok(None) };
        let Some(other) = self.leaf(leaf)? else { return Ok(None) };
        self.disk().lock(&other, FlockOperation::LockShared)?;
        let names = self.disk().names(&other)?;
        Ok(Some((folder, names)))
    }

    /// The sessions that the index has for a subject: some may have ended, or be another's by now.
    pub(super) fn indexed(&self, of: &str) -> Result<Vec<SessionHandle>, Failure> {
        let Some(folder) = self.open(&[SUBJECTS, &subject(of)])? else { return Ok(Vec::new()) };
        let names = self.disk().names(&folder)?;
        Ok(names.iter().filter_map(|name| super::names::owner(name)).collect())
    }

    /// Whether the index has a session for a subject.
    pub(super) fn is_indexed(&self, of: &str, key: SessionHandle) -> Result<bool, Failure> {
        let Some(folder) = self.open(&[SUBJECTS, &subject(of)])? else { return Ok(false) };
        Ok(self.disk().read(&folder, &super::names::session(key))?.is_some())
    }

    /// Puts a session into the index of a subject, durably.
    pub(super) fn index(&self, of: &str, key: SessionHandle) -> Result<(), Failure> {
        loop {
            let folder = self.make(&[SUBJECTS, &subject(of)])?;
            match self.disk().create(&folder, &super::names::session(key)) {
                // An empty folder is removed, which may have been just now.
                Err(Errno::NOENT) => continue,
                Err(Errno::EXIST) => {}
                outcome => drop(outcome?),
            }
            return Ok(self.disk().sync_folder(&folder)?);
        }
    }

    /// Takes a session out of the index of a subject. The caller has the lock of its folder.
    ///
    /// What fails here is only logged: a listing skips what is no longer true.
    pub(super) fn unindex(&self, of: &str, key: SessionHandle) {
        let unindex = || -> Result<(), Failure> {
            let name = subject(of);
            let Some(subjects) = self.open(&[SUBJECTS])? else { return Ok(()) };
            let Some(folder) = self.disk().folder(&subjects, &name)? else { return Ok(()) };
            if self.disk().unlink(&folder, &super::names::session(key))? {
                self.disk().remove_folder(&subjects, &name)?;
            }
            Ok(())
        };
        if let Err(failure) = unindex() {
            let error = failure.into_error();
            tracing::debug!(store = super::NAME, %error, "a stale entry of the index stays");
        }
    }

    fn open(&self, below: &[&str]) -> Result<Option<OwnedFd>, Failure> {
        let mut folder: Option<OwnedFd> = None;
        for name in self.path.iter().map(String::as_str).chain(below.iter().copied()) {
            let at = folder.as_ref().map_or(self.root.folder.as_fd(), AsFd::as_fd);
            let Some(next) = self.disk().folder(at, name)? else {
                // Not there, or is all of the store gone? Then nobody is to be signed out by it.
                if rustix::fs::fstat(&self.root.folder)?.st_nlink == 0 {
                    return Err(Failure::removed());
                }
                return Ok(None);
            };
            folder = Some(next);
        }
        Ok(folder)
    }

    /// Opens a folder, makes those on the way to it that are not there, and sees to it that all are durable.
    fn make(&self, below: &[&str]) -> Result<OwnedFd, Failure> {
        let mut folder: Option<OwnedFd> = None;
        for name in self.path.iter().map(String::as_str).chain(below.iter().copied()) {
            let at = folder.as_ref().map_or(self.root.folder.as_fd(), AsFd::as_fd);
            self.disk().make_folder(at, name)?;
            let next = self.disk().folder(at, name)?.ok_or(Errno::NOENT)?;
            self.disk().sync_folder(at)?;
            folder = Some(next);
        }
        folder.ok_or_else(Failure::removed)
    }
}
