//! What is done to all sessions of a folder.

use std::io;

use super::folder::Known;
use super::look::Found;
use super::{Failure, FileStore};
use crate::store::Ended;
use crate::time::UnixMillis;

/// Each session under a lock of its own, so that no request waits for more than one.
impl FileStore {
    /// Ends all, those first that are known here, so that it is known why they ended. What is no session file stays,
    /// other namespaces too.
    pub(super) fn clear(&self, now: UnixMillis) -> Result<u64, Failure> {
        let mut removed = 0;
        for key in self.folder.all_known()? {
            let _locked = self.folder.lock_all()?;
            let Some(known) = self.folder.known(key)? else { continue };
            let Some(file) = known.file.filter(|_| known.ended.is_none()) else { continue };
            removed += u64::from(self.folder.session(&file)?.is_some());
            self.bury(key, Some(&file), Ended::Revoked, now)?;
        }
        for file in self.folder.sessions()? {
            let _locked = self.folder.lock_all()?;
            self.folder.mark_old(&file, now.plus(self.remember))?;
            removed += u64::from(self.folder.remove_session(&file)?);
        }
        Ok(removed)
    }

    pub(super) fn sweep(&self, limit: usize, now: UnixMillis) -> Result<usize, Failure> {
        let mut removed = 0;
        for key in self.folder.all_known()? {
            if removed == limit {
                return Ok(removed);
            }
            let _locked = self.folder.lock_all()?;
            let Some(known) = self.folder.known(key)? else { continue };
            let over = match known.ended.is_some() || known.over.is_some() {
                true => known.forget_at <= now.as_millis(),
                false => {
                    matches!(self.look(key, None, now), Ok(Found::Absent(Some(Ended::Expired), _)))
                }
            };
            if over && self.has_gone(&known, now)? {
                self.folder.remove_known(key)?;
                removed += 1;
            }
        }
        for file in self.folder.sessions()? {
            if removed == limit {
                return Ok(removed);
            }
            // Another process may be sweeping as well; and what cannot be read is left for a person to look at.
            let Ok(Some(Some(found))) = self.folder.session(&file) else { continue };
            if found.expires_at.is_some_and(|at| at <= now) {
                let _locked = self.folder.lock_all()?;
                removed += usize::from(self.folder.sweep_session(&file, now).unwrap_or(false));
            }
        }
        for (file, forget_at) in self.folder.old()? {
            if forget_at <= now {
                self.folder.unmark_old(&file)?;
            }
        }
        Ok(removed)
    }

    /// Removes the file of a session that is over, unless Litestar, which takes no locks, wrote it again since.
    fn has_gone(&self, known: &Known, now: UnixMillis) -> Result<bool, Failure> {
        let Some(file) = &known.file else { return Ok(true) };
        if known.absolute.is_some_and(|at| at <= now.as_millis()) {
            // Whatever Litestar writes.
            self.folder.remove_session(file)?;
            return Ok(true);
        }
        match self.folder.sweep_session(file, now) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            swept => Ok(swept?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::litestar::file::envelope::Envelope;

    /// Better: a session that was found to be over, and that Litestar wrote again since, stays; but for one that has reached its
    /// absolute deadline.
    #[test]
    fn b_055_a_sweep_spares_what_was_written_since_it_looked() {
        let root = tempfile::tempdir().unwrap();
        let store = FileStore::new(root.path().join("kept"));
        store.folder.make().unwrap();
        let now = UnixMillis::from_millis(1000);
        for (expires, absolute, gone) in [
            (Some(1001), None, false),
            (Some(1001), Some(1001), false),
            (Some(1001), Some(1000), true),
            (Some(1000), None, true),
            (None, None, true),
        ] {
            store.folder.remove_session("a").unwrap();
            if let Some(expires) = expires {
                let expires_at = Some(UnixMillis::from_millis(expires));
                let fresh = Envelope { expires_at, data: b"{}".to_vec() };
                store.folder.put_session("a", &fresh).unwrap();
            }
            let known = Known { file: Some("a".to_owned()), absolute, ..Known::default() };
            assert!(matches!(store.has_gone(&known, now), Ok(is) if is == gone), "{expires:?}");
            assert_eq!(store.folder.session("a").unwrap().is_none(), gone, "{absolute:?}");
        }
    }
}
