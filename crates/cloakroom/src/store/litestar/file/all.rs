//! What is done to all sessions of a folder.

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
            if over {
                if let Some(file) = &known.file {
                    self.folder.remove_session(file)?;
                }
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
}
