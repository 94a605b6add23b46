//! What each call does. Those that change something have the lock of the session's folder.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::entry::{Entry, tombstone};
use super::failure::Failure;
use super::names;
use super::namespace::{Leaf, Namespace};
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::store::{Created, Ended, Lookup, Renewal, Updated};
use crate::time::UnixMillis;

/// Which session a call is about, and when it is.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) key: SessionHandle,
    pub(super) now: UnixMillis,
}

impl At<'_> {
    /// What is there.
    pub(super) fn entry(&self, leaf: BorrowedFd<'_>) -> Result<Option<Entry>, Failure> {
        let bytes = self.namespace.disk().read(leaf, &names::session(self.key))?;
        bytes.map(|bytes| Entry::parse(&bytes)).transpose()
    }

    /// The record that is live.
    fn live(&self, leaf: BorrowedFd<'_>) -> Result<Option<Record>, Failure> {
        Ok(match self.entry(leaf)? {
            Some(Entry::Record(record)) if !record.is_expired(self.now) => Some(record),
            _ => None,
        })
    }

    /// Puts a record there, or a tombstone, durably.
    fn put(&self, leaf: &Leaf, bytes: &[u8]) -> Result<(), Failure> {
        let (unfinished, name) = (names::unfinished(self.key), names::session(self.key));
        self.namespace.disk().replace(leaf.as_fd(), &unfinished, &name, bytes)?;
        self.sync(leaf)
    }

    pub(super) fn sync(&self, leaf: &Leaf) -> Result<(), Failure> {
        self.namespace.disk().sync_folder(leaf).map_err(Failure::NotSynced)
    }

    /// Ends what is there, durably.
    fn end(&self, leaf: &Leaf, why: Ended, forget_at: Option<UnixMillis>) -> Result<(), Failure> {
        let disk = self.namespace.disk();
        let (unfinished, name) = (names::unfinished(self.key), names::session(self.key));
        // One rename is the end and its reason.
        let told = forget_at.map(|forget_at| {
            disk.replace(leaf.as_fd(), &unfinished, &name, &tombstone(why, forget_at))
        });
        if !matches!(told, Some(Ok(()))) {
            // Without its reason then: to sign out needs no space on the disk.
            disk.unlink(leaf, &name)?;
        }
        self.sync(leaf)
    }
}

/// Finds a record, and why there is none.
pub(super) fn load(at: &At<'_>) -> Result<Lookup, Failure> {
    let Some(leaf) = at.namespace.leaf(names::leaf(at.key))? else {
        return Ok(Lookup::Absent(None));
    };
    lookup(at, leaf.as_fd())
}

fn lookup(at: &At<'_>, leaf: BorrowedFd<'_>) -> Result<Lookup, Failure> {
    Ok(match at.entry(leaf)? {
        Some(Entry::Record(record)) if record.is_expired(at.now) => {
            Lookup::Absent(Some(Ended::Expired))
        }
        Some(Entry::Record(record)) => Lookup::Live(record),
        Some(Entry::Tombstone { why, forget_at }) if at.now < forget_at => {
            Lookup::Absent(Some(why))
        }
        Some(Entry::Tombstone { .. }) | None => Lookup::Absent(None),
    })
}

/// Finds a record and renews it if that is due.
pub(super) fn load_and_renew(
    at: &At<'_>,
    leaf: &Leaf,
    renewal: &Renewal,
) -> Result<Lookup, Failure> {
    let lookup = lookup(at, leaf.as_fd())?;
    let Lookup::Live(record) = &lookup else { return Ok(lookup) };
    let Some(deadline) = renewal.due(record, at.now) else { return Ok(lookup) };
    let renewed = record.clone().with_idle_deadline(deadline);
    enter_index(at, &renewed, Some(record))?;
    at.put(leaf, &renewed.to_bytes())?;
    Ok(Lookup::Live(renewed))
}

pub(super) fn create(at: &At<'_>, leaf: &Leaf, record: &Record) -> Result<Created, Failure> {
    let before = match at.entry(leaf.as_fd())? {
        Some(Entry::Record(record)) if !record.is_expired(at.now) => return Ok(Created::Occupied),
        Some(Entry::Record(record)) => Some(record),
        Some(Entry::Tombstone { .. }) | None => None,
    };
    write(at, leaf, record, before.as_ref())?;
    Ok(Created::Created)
}

/// Replaces a record of the expected revision, or ends the session if the new one is expired.
pub(super) fn update(
    at: &At<'_>,
    leaf: &Leaf,
    record: &Record,
    expected: Revision,
    forget_at: Option<UnixMillis>,
) -> Result<Updated, Failure> {
    let Some(before) = at.live(leaf.as_fd())? else { return Ok(Updated::Gone) };
    if before.revision() != expected {
        return Ok(Updated::Conflict);
    }
    if record.is_expired(at.now) {
        at.end(leaf, Ended::Destroyed, forget_at)?;
        leave_index(at, Some(&before), None);
    } else {
        write(at, leaf, record, Some(&before))?;
    }
    Ok(Updated::Updated)
}

/// Writes a record over another.
fn write(
    at: &At<'_>,
    leaf: &Leaf,
    record: &Record,
    before: Option<&Record>,
) -> Result<(), Failure> {
    enter_index(at, record, before)?;
    at.put(leaf, &record.to_bytes())?;
    leave_index(at, before, record.subject());
    Ok(())
}

/// Sees to it that a record is in the index of its subject before it is there, so that no session of somebody is
/// missing when all of them are to be ended: also where the index has lost it since.
fn enter_index(at: &At<'_>, record: &Record, before: Option<&Record>) -> Result<(), Failure> {
    let Some(subject) = record.subject() else { return Ok(()) };
    // What a killed writer put there need not be durable, unless the record was written as well.
    let was_theirs = before.and_then(Record::subject) == Some(subject);
    if was_theirs && at.namespace.is_indexed(subject, at.key)? {
        return Ok(());
    }
    at.namespace.index(subject, at.key)
}

/// Takes a record that is no more out of the index of its subject, unless that is still the session's.
fn leave_index(at: &At<'_>, before: Option<&Record>, subject: Option<&str>) {
    if let Some(before) = before.and_then(Record::subject)
        && subject != Some(before)
    {
        at.namespace.unindex(before, at.key);
    }
}

pub(super) fn touch(at: &At<'_>, leaf: &Leaf, deadline: UnixMillis) -> Result<bool, Failure> {
    let Some(record) = at.live(leaf.as_fd())? else { return Ok(false) };
    let touched = record.clone().with_idle_deadline(deadline);
    enter_index(at, &touched, Some(&record))?;
    at.put(leaf, &touched.to_bytes())?;
    Ok(true)
}

pub(super) fn delete(
    at: &At<'_>,
    leaf: &Leaf,
    why: Ended,
    forget_at: Option<UnixMillis>,
) -> Result<bool, Failure> {
    let before = match at.live(leaf.as_fd()) {
        Ok(Some(record)) => Some(record),
        Ok(None) => {
            // Perhaps ended by a call that failed before it was durable.
            at.sync(leaf)?;
            return Ok(false);
        }
        // What cannot be read may be what is to be ended.
        Err(failure) if failure.is_corrupt() => None,
        Err(failure) => return Err(failure),
    };
    at.end(leaf, why, forget_at)?;
    leave_index(at, before.as_ref(), None);
    Ok(true)
}

/// Whether a sweep finds something in a folder. Takes no lock.
pub(super) fn has_waste(namespace: &Namespace, leaf: u8, now: UnixMillis) -> Result<bool, Failure> {
    let Some(folder) = namespace.leaf(leaf)? else { return Ok(false) };
    for name in namespace.disk().names(&folder)? {
        if names::unfinished_owner(&name).is_some() {
            return Ok(true);
        }
        let Some(key) = names::owner(&name) else { continue };
        if is_over(&At { namespace, key, now }, folder.as_fd())?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is over: `Some(None)` is a tombstone.
fn is_over(at: &At<'_>, leaf: BorrowedFd<'_>) -> Result<Option<Option<Record>>, Failure> {
    Ok(match at.entry(leaf) {
        Ok(Some(Entry::Record(record))) if record.is_expired(at.now) => Some(Some(record)),
        Ok(Some(Entry::Tombstone { forget_at, .. })) if forget_at <= at.now => Some(None),
        Ok(_) => None,
        // It cannot be loaded either; an operator is to see it.
        Err(failure) if failure.is_corrupt() => None,
        Err(failure) => return Err(failure),
    })
}

/// Removes up to `limit` expired sessions of a folder, what killed writers left, and ends to be forgotten.
///
/// Names that are not exactly ours stay, whatever they are, and no link is followed.
pub(super) fn sweep(
    namespace: &Namespace,
    leaf: &Leaf,
    limit: usize,
    now: UnixMillis,
) -> Result<Vec<SessionHandle>, Failure> {
    let disk = namespace.disk();
    let mut removed = Vec::new();
    for name in disk.names(leaf)? {
        if names::unfinished_owner(&name).is_some() {
            // Whoever was writing it had the lock that is ours now. What is no file stays.
            match disk.unlink(leaf, &name) {
                Ok(_) | Err(Errno::ISDIR | Errno::PERM) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        let Some(key) = names::owner(&name) else { continue };
        let at = At { namespace, key, now };
        match is_over(&at, leaf.as_fd())? {
            Some(Some(_)) if removed.len() == limit => {}
            Some(Some(record)) => {
                // Not synced: should it come back after a power cut, it is as expired as before.
                disk.unlink(leaf, &name)?;
                leave_index(&at, Some(&record), None);
                removed.push(key);
            }
            Some(None) => drop(disk.unlink(leaf, &name)?),
            None => {}
        }
    }
    Ok(removed)
}
