//! Finding sessions without their handle: what was noted here is looked through. A file of Litestar's says no handle, so
//! that one which was never used here is not found.

use super::look::Found;
use super::{Failure, FileStore};
use crate::error::{ErrorKind, Result};
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

const LIST: &str = "list sessions";

type Listed = Vec<(SessionHandle, Record)>;

impl Directory for FileStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Listed>> {
        let subject = subject.to_owned();
        Box::pin(self.on_thread(LIST, move |store| {
            store.listed(store.folder.all_known()?, usize::MAX, Some(&subject), now)
        }))
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Listed>> {
        Box::pin(self.on_thread(LIST, move |store| {
            let mut keys = store.folder.all_known()?;
            keys.retain(|&key| Some(key) > after);
            keys.sort_unstable();
            store.listed(keys, limit, None, now)
        }))
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.on_thread(LIST, move |store| {
            let all = store.listed(store.folder.all_known()?, usize::MAX, None, now)?;
            Ok(all.len() as u64)
        }))
    }

    fn confirm_ends<'a>(&'a self, _: &'a str, _: UnixMillis) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.on_thread("have the end of sessions confirmed", Self::confirm))
    }
}

impl FileStore {
    /// The first of these that are live, and of this subject. One that cannot be read is none: a list shows the others.
    fn listed(
        &self,
        keys: Vec<SessionHandle>,
        limit: usize,
        subject: Option<&str>,
        now: UnixMillis,
    ) -> Result<Listed, Failure> {
        let mut found = Vec::new();
        for handle in keys {
            if found.len() == limit {
                break;
            }
            // Without a lock first: most are somebody else's.
            if subject.is_some() && self.noted_subject(handle)?.as_deref() != subject {
                continue;
            }
            let _locked = self.folder.lock(handle)?;
            match self.look(handle, None, now) {
                Ok(Found::Live(record, _)) => {
                    if subject.is_none() || record.subject() == subject {
                        found.push((handle, record));
                    }
                }
                Ok(Found::Absent(..)) => {}
                Err(Failure::Error(error)) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(store = super::NAME, %handle, "record cannot be read");
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(found)
    }

    pub(super) fn confirm(&self) -> Result<(), Failure> {
        Ok(self.folder.sync_ends()?)
    }

    fn noted_subject(&self, handle: SessionHandle) -> Result<Option<String>, Failure> {
        let known = self.folder.known(handle)?;
        let record = known.and_then(|known| known.record().ok());
        Ok(record.and_then(|record| record.subject().map(str::to_owned)))
    }
}
