//! Finding sessions without their handle.

use std::os::fd::AsFd;

use super::FileStore;
use super::entry::Entry;
use super::failure::Failure;
use super::names;
use super::namespace::Namespace;
use super::operations::At;
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

/// Folders that one call to the disk looks at, so that each is short.
const PART: usize = 16;

type Found = Vec<(SessionHandle, Record)>;

impl Directory for FileStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        let (namespace, subject) = (self.namespace.clone(), subject.to_owned());
        Box::pin(self.read(move || by_subject(&namespace, &subject, now)))
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let mut page = Found::new();
            let mut leaf = usize::from(after.map_or(0, names::leaf));
            while leaf < names::LEAVES && page.len() < limit {
                let (namespace, missing) = (self.namespace.clone(), limit - page.len());
                page.extend(self.read(move || part(&namespace, leaf, after, missing, now)).await?);
                leaf += PART;
            }
            Ok(page)
        })
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let mut count = 0;
            for leaf in (0..names::LEAVES).step_by(PART) {
                let namespace = self.namespace.clone();
                count += self.read(move || count_part(&namespace, leaf, now)).await?;
            }
            Ok(count)
        })
    }
}

fn by_subject(namespace: &Namespace, subject: &str, now: UnixMillis) -> Result<Found, Failure> {
    let mut found = Vec::new();
    for key in namespace.indexed(subject)? {
        let at = At { namespace, key, now };
        let entry = match namespace.leaf(names::leaf(key))? {
            Some(leaf) => at.entry(leaf.as_fd()),
            None => Ok(None),
        };
        match readable(key, entry)? {
            None => {}
            Some(Some(record)) if record.subject() == Some(subject) => {
                found.extend((!record.is_expired(now)).then_some((key, record)));
            }
            // Left by a process that was killed, or about to be true: its writer has the lock then.
            Some(_) => clean(&at, subject)?,
        }
    }
    Ok(found)
}

/// Takes a session out of the index of a subject that it is not of.
fn clean(at: &At<'_>, subject: &str) -> Result<(), Failure> {
    let Some(leaf) = at.namespace.try_lock(names::leaf(at.key))? else { return Ok(()) };
    let is_theirs = match at.entry(leaf.as_fd()) {
        Ok(Some(Entry::Record(record))) => record.subject() == Some(subject),
        Ok(_) => false,
        Err(_) => true,
    };
    if !is_theirs {
        // Perhaps it was ended by a call that failed before that was durable: by its entry it is found to try again.
        at.sync(&leaf)?;
        at.namespace.unindex(subject, at.key);
    }
    Ok(())
}

/// The sessions of some folders, sorted by handle.
fn part(
    namespace: &Namespace,
    first: usize,
    after: Option<SessionHandle>,
    limit: usize,
    now: UnixMillis,
) -> Result<Found, Failure> {
    let mut found = Vec::new();
    for leaf in first..names::LEAVES.min(first + PART) {
        let Some((folder, names)) = namespace.list(leaf as u8)? else { continue };
        let keys = names.iter().filter_map(|name| names::owner(name));
        let mut keys: Vec<_> = keys.filter(|&key| Some(key) > after).collect();
        keys.sort_unstable();
        for key in keys {
            if found.len() == limit {
                return Ok(found);
            }
            let entry = At { namespace, key, now }.entry(folder.as_fd());
            if let Some(Some(record)) = readable(key, entry)?
                && !record.is_expired(now)
            {
                found.push((key, record));
            }
        }
    }
    Ok(found)
}

fn count_part(namespace: &Namespace, first: usize, now: UnixMillis) -> Result<u64, Failure> {
    Ok(part(namespace, first, None, usize::MAX, now)?.len() as u64)
}

/// The record of an entry, if it is one; `None` if it cannot be read. One of them must not hide all others from
/// an operator. It cannot be loaded either, so nobody is signed in by it.
#[allow(clippy::option_option, reason = "what cannot be read is neither there nor not")]
fn readable(
    handle: SessionHandle,
    entry: Result<Option<Entry>, Failure>,
) -> Result<Option<Option<Record>>, Failure> {
    match entry {
        Ok(Some(Entry::Record(record))) => Ok(Some(Some(record))),
        Ok(Some(Entry::Tombstone { .. }) | None) => Ok(Some(None)),
        Err(failure) if failure.is_corrupt() => {
            tracing::warn!(store = super::NAME, %handle, "record cannot be read");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
