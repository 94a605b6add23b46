//! What each call does to the folder.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::envelope::Envelope;
use super::folder::{Known, name};
use super::{Failure, FileStore};
use crate::error::{Error, ErrorKind};
use crate::id::{SessionHandle, SessionId};
use crate::record::{Limits, Record, Revision};
use crate::store::litestar::{document, metadata};
use crate::store::{Created, Ended, Lookup, Renewal, Updated};
use crate::time::UnixMillis;

/// What there is under a handle.
pub(super) enum Found {
    Live(Record, Known),
    /// Beside the reason: what ended there, if it is known.
    Absent(Option<Ended>, Option<Known>),
}

fn digest(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// The rules; whoever calls holds the lock.
impl FileStore {
    pub(super) fn look(
        &self,
        key: SessionHandle,
        id: Option<&SessionId>,
        now: UnixMillis,
    ) -> Result<Found, Failure> {
        let known = self.folder.known(key)?;
        let over = known.as_ref().and_then(|known| known.over) == Some(true);
        let mut known = known.filter(|known| known.over.is_none());
        let presented = id.map(name);
        let own = known.as_ref().and_then(|known| known.file.clone());
        if let Some(presented) = presented.as_ref().filter(|name| own.as_ref() != Some(*name)) {
            let any = known.as_ref().is_some_and(|known| known.any);
            if any || self.folder.is_old(presented)? {
                // A Litestar request wrote it back.
                if self.folder.remove_session(presented)? {
                    self.folder.mark_old(presented, now.plus(self.remember))?;
                    if let Some(ended) = known.as_ref().filter(|known| known.ended.is_some()) {
                        let forget_at = now.plus(self.remember).as_millis();
                        self.folder.put_known(key, &Known { forget_at, ..ended.clone() })?;
                    }
                }
                if own.is_none() {
                    return Ok(Found::Absent(self.why(known.as_ref(), now), known));
                }
            }
        }
        if known.as_ref().is_some_and(|known| known.ended.is_some()) {
            return Ok(Found::Absent(self.why(known.as_ref(), now), known));
        }
        let Some(file) = own.or_else(|| presented.clone()) else {
            return Ok(Found::Absent(over.then_some(Ended::Expired), known));
        };
        let Some(envelope) = self.folder.session(&file)? else {
            let over = known.as_ref().map_or(over, |known| known.idle <= now.as_millis());
            if known.is_some() {
                // It has expired, or Litestar ended it: what is put there later is another's.
                let forget_at = now.plus(self.remember).as_millis();
                let stone = Known { over: Some(over), forget_at, ..Known::default() };
                self.folder.put_known(key, &stone)?;
            }
            return Ok(Found::Absent(over.then_some(Ended::Expired), known));
        };
        let broken = || Error::new(ErrorKind::Corrupt, "a session file is not one of Litestar's");
        let envelope = envelope.ok_or_else(broken)?;
        let expires = envelope.expires_at.map(UnixMillis::as_millis);
        let hash = digest(&envelope.data);
        let of_bytes = hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if known.as_ref().is_some_and(|known| known.is_outlived(expires, now)) {
            // The end that we knew of has come, so Litestar may have made it anew: nobody is signed in to it here.
            if presented.as_ref() != Some(&file) {
                return Ok(Found::Absent(None, known));
            }
            known = None;
        }
        let mut parts = match (&known, id) {
            (Some(known), _) => {
                let record = known.record_bytes().ok_or_else(broken)?;
                Record::from_bytes(&record, &Limits::default())?.parts()
            }
            (None, Some(id)) => metadata::of_litestar(id, self.max_age, now),
            (None, None) => return Ok(Found::Absent(None, None)),
        };
        let theirs = envelope.expires_at.unwrap_or_else(|| now.plus(self.max_age));
        let (revision, idle) = match &known {
            Some(known) => (
                if known.digest == HEXLOWER.encode(&hash) { known.revision } else { of_bytes },
                if known.expires == expires { UnixMillis::from_millis(known.idle) } else { theirs },
            ),
            None => (of_bytes, theirs),
        };
        parts.revision = Revision::from_u64(revision);
        parts.idle_deadline = idle;
        let absolute = parts.absolute_deadline;
        if now >= absolute.map_or(idle, |absolute| absolute.min(idle)) {
            return Ok(Found::Absent(Some(Ended::Expired), known));
        }
        parts.data = document::read(&envelope.data)?;
        let record = Record::from(parts);
        if record.data().is_empty() && record.subject().is_none() {
            return Ok(Found::Absent(None, known));
        }
        let known = match known {
            Some(known) if !known.needs(expires, self.max_age) => known,
            Some(known) => {
                let known = Known { idle: idle.as_millis(), expires, ..known };
                self.folder.put_known(key, &known)?;
                known
            }
            None => {
                let known = Known {
                    file: Some(file),
                    revision,
                    digest: HEXLOWER.encode(&hash),
                    idle: idle.as_millis(),
                    expires,
                    ..Known::default()
                }
                .with_record(&metadata::without_data(&record));
                self.folder.put_known(key, &known)?;
                known
            }
        };
        Ok(Found::Live(record, known))
    }

    fn why(&self, known: Option<&Known>, now: UnixMillis) -> Option<Ended> {
        let known = known.filter(|known| !known.any && known.forget_at > now.as_millis())?;
        metadata::reason(known.ended.as_ref()?.as_bytes())
    }

    fn put(&self, key: SessionHandle, file: String, record: &Record) -> Result<(), Failure> {
        let data = document::write(&record.data())?;
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
            Ok(Found::Absent(_, Some(known))) if known.ended.is_some() => return Ok(false),
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
