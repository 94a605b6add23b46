//! What each call does to the folder.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::envelope::Envelope;
use super::folder::{Known, name};
use super::look::Found;
use super::{Failure, FileStore};
use crate::error::ErrorKind;
use crate::id::{SessionHandle, SessionId};
use crate::record::{Record, Revision};
use crate::store::litestar::{document, metadata};
use crate::store::{Created, Ended, Lookup, Renewal, Updated};
use crate::time::UnixMillis;

pub(super) fn digest(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// The rules; whoever calls holds the lock.
impl FileStore {
    fn put(&self, key: SessionHandle, file: String, record: &Record) -> Result<(), Failure> {
        let data = document::write(record)?;
        let known = Known {
            file: Some(file.clone()),
            revision: record.revision().as_u64(),
            digest: HEXLOWER.encode(&digest(&data)),
            idle: record.idle_deadline().as_millis(),
            absolute: record.absolute_deadline().map(UnixMillis::as_millis),
            ..Known::default()
        };
        let envelope = Envelope { expires_at: Some(record.expires_at()), data };
        let written = Envelope::read(&envelope.write()).and_then(|written| written.expires_at);
        let known = Known { expires: written.map(UnixMillis::as_millis), ..known };
        self.folder.put_session(&file, &envelope)?;
        self.folder.put_known(key, &known.with_record(&metadata::without_data(record)))?;
        self.folder.unmark_old(&file)?;
        Ok(())
    }

    pub(super) fn bury(
        &self,
        key: SessionHandle,
        file: Option<&str>,
        why: Ended,
        now: UnixMillis,
    ) -> Result<(), Failure> {
        let forget_at = now.plus(self.remember);
        let stone = Known {
            ended: Some(metadata::name(why).to_owned()),
            any: file.is_none(),
            forget_at: forget_at.as_millis(),
            ..Known::default()
        };
        if let Some(file) = file {
            self.folder.mark_old(file, forget_at)?;
        }
        self.folder.put_known(key, &stone)?;
        if let Some(file) = file {
            self.folder.remove_session(file)?;
        }
        Ok(())
    }

    pub(super) fn find(
        &self,
        key: SessionHandle,
        id: Option<&SessionId>,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup, Failure> {
        let _locked = self.folder.lock(key)?;
        Ok(match self.look(key, id, now)? {
            Found::Absent(why, _) => Lookup::Absent(why),
            Found::Live(record, known) => {
                match (renewal.and_then(|renewal| renewal.due(&record, now)), known.file) {
                    (Some(deadline), Some(file)) => {
                        let renewed = record.with_idle_deadline(deadline);
                        self.put(key, file, &renewed)?;
                        Lookup::Live(renewed)
                    }
                    _ => Lookup::Live(record),
                }
            }
        })
    }

    pub(super) fn make(
        &self,
        id: &SessionId,
        record: &Record,
        now: UnixMillis,
    ) -> Result<Created, Failure> {
        let key = id.handle();
        let _locked = self.folder.lock(key)?;
        match self.look(key, Some(id), now) {
            Ok(Found::Live(found, _)) => Ok(if found.revision() == record.revision() {
                Created::Created
            } else {
                Created::Occupied
            }),
            Ok(Found::Absent(_, known)) => {
                let file = name(id);
                let before = known.and_then(|known| known.file);
                if let Some(before) = before.filter(|before| *before != file) {
                    self.folder.remove_session(&before)?;
                }
                if record.is_expired(now) {
                    self.folder.remove_known(key)?;
                    self.folder.remove_session(&file)?;
                } else {
                    self.put(key, file, record)?;
                }
                Ok(Created::Created)
            }
            Err(Failure::Error(error)) if error.kind() == ErrorKind::Corrupt => {
                Ok(Created::Occupied)
            }
            Err(failure) => Err(failure),
        }
    }

    pub(super) fn replace(
        &self,
        key: SessionHandle,
        id: Option<&SessionId>,
        record: &Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated, Failure> {
        let _locked = self.folder.lock(key)?;
        let Found::Live(found, known) = self.look(key, id, now)? else { return Ok(Updated::Gone) };
        if found.revision() != expected {
            let is_ours = found.revision() == record.revision();
            return Ok(if is_ours { Updated::Updated } else { Updated::Conflict });
        }
        let before = known.file;
        if record.is_expired(now) {
            self.bury(key, before.as_deref(), Ended::Destroyed, now)?;
            return Ok(Updated::Updated);
        }
        let file = id.map(name).or_else(|| before.clone());
        let Some(file) = file else { return Ok(Updated::Gone) };
        let old = before.filter(|before| *before != file);
        if let Some(old) = &old {
            self.folder.mark_old(old, now.plus(self.remember))?;
        }
        self.put(key, file, record)?;
        if let Some(old) = old {
            self.folder.remove_session(&old)?;
        }
        Ok(Updated::Updated)
    }

    pub(super) fn renew(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool, Failure> {
        let _locked = self.folder.lock(key)?;
        let Found::Live(record, known) = self.look(key, None, now)? else { return Ok(false) };
        let Some(file) = known.file else { return Ok(false) };
        self.put(key, file, &record.with_idle_deadline(deadline))?;
        Ok(true)
    }

    pub(super) fn end(
        &self,
        key: SessionHandle,
        why: Ended,
        now: UnixMillis,
    ) -> Result<bool, Failure> {
        let _locked = self.folder.lock(key)?;
        let (live, file) = match self.look(key, None, now) {
            Ok(Found::Live(_, known)) => (true, known.file),
            Ok(Found::Absent(_, Some(known))) if known.ended.is_some() => {
                // Perhaps by a call that failed before it was durable.
                self.folder.sync_ends()?;
                return Ok(false);
            }
            Ok(Found::Absent(_, known)) => (false, known.and_then(|known| known.file)),
            Err(Failure::Error(error)) if error.kind() == ErrorKind::Corrupt => {
                (false, self.folder.known(key)?.and_then(|known| known.file))
            }
            Err(failure) => return Err(failure),
        };
        self.bury(key, file.as_deref(), why, now)?;
        Ok(live)
    }
}
