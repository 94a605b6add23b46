//! What there is of a session: Litestar's file, and what we noted of it.

use data_encoding::HEXLOWER;

use super::folder::{Known, name};
use super::rules::digest;
use super::{Failure, FileStore};
use crate::error::{Error, ErrorKind};
use crate::id::{SessionHandle, SessionId};
use crate::record::{Record, Revision};
use crate::store::Ended;
use crate::store::litestar::{document, metadata};
use crate::time::UnixMillis;

/// What there is under a handle.
pub(super) enum Found {
    Live(Record, Known),
    /// Beside the reason: what ended there, if it is known.
    Absent(Option<Ended>, Option<Known>),
}

/// Whoever calls holds the lock.
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
        let document = document::read(&envelope.data);
        let mut noted = known.as_ref().map(Known::record).transpose()?;
        let is_of = |noted| document.as_ref().is_ok_and(|document| document.is_of(noted));
        if noted.as_ref().is_some_and(|noted| !is_of(noted)) {
            // Litestar made it anew: nobody is signed in to it here.
            if presented.as_ref() != Some(&file) {
                return Ok(Found::Absent(None, known));
            }
            (known, noted) = (None, None);
        }
        let mut parts = match (noted, id) {
            (Some(noted), _) => noted.parts(),
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
        parts.data = document?.data;
        let record = Record::from(parts);
        if record.data().is_empty() && record.subject().is_none() {
            return Ok(Found::Absent(None, known));
        }
        let known = match known {
            Some(known) if !known.needs(expires, self.max_age) => known,
            Some(known) => {
                let known = Known { idle: idle.as_millis(), expires, ..known };
                // Of use and not of need: what cannot be written is read all the same.
                let _ = self.folder.put_known(key, &known);
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

    pub(super) fn why(&self, known: Option<&Known>, now: UnixMillis) -> Option<Ended> {
        let known = known.filter(|known| !known.any && known.forget_at > now.as_millis())?;
        metadata::reason(known.ended.as_ref()?.as_bytes())
    }
}
