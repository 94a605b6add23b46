//! What a call is made of: scripts, and what is done with their answers.

use std::sync::LazyLock;
use std::time::Duration;

use data_encoding::HEXLOWER;
use redis::Value;
use sha2::{Digest as _, Sha256};

use super::{LOAD, NAME, RedisStore, UPDATE};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{IdFormat, SessionHandle, SessionId};
use crate::record::{Limits, Record, Revision};
use crate::store::litestar::{document, metadata};
use crate::store::redis::failure::{Failure, list, number};
use crate::store::redis::scripts::Script;
use crate::store::{Ended, Lookup, Renewal, Updated};
use crate::time::UnixMillis;

/// How often a call begins again because the session was written meanwhile.
const ATTEMPTS: usize = 32;

#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) adopt: Script,
    pub(super) create: Script,
    pub(super) update: Script,
    pub(super) touch: Script,
    pub(super) delete: Script,
    pub(super) clear: Script,
    pub(super) list: Script,
}

pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| {
    let script = |body: &str| Script::new(format!("{}\n{body}", include_str!("lua/common.lua")));
    Scripts {
        load: script(include_str!("lua/load.lua")),
        adopt: script(include_str!("lua/adopt.lua")),
        create: script(include_str!("lua/create.lua")),
        update: script(include_str!("lua/update.lua")),
        touch: script(include_str!("lua/touch.lua")),
        delete: script(include_str!("lua/delete.lua")),
        list: script(include_str!("lua/list.lua")),
        clear: Script::new(include_str!("lua/clear.lua").to_owned()),
    }
});

/// What a load script answers.
pub(super) struct Found {
    pub(super) state: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) record: Vec<u8>,
    pub(super) revision: Vec<u8>,
    pub(super) idle: UnixMillis,
    pub(super) why: Vec<u8>,
}

impl Found {
    pub(super) fn read(answer: Value) -> Result<Self, Failure> {
        let parts = <[Vec<u8>; 6]>::try_from(list(answer)?);
        let [state, value, record, revision, idle, why] = parts.map_err(|_| Failure::Nonsense)?;
        let idle = std::str::from_utf8(&idle).ok().and_then(|text| text.parse().ok());
        let idle = UnixMillis::from_millis(idle.ok_or(Failure::Nonsense)?);
        Ok(Self { state, value, record, revision, idle, why })
    }
}

impl RedisStore {
    pub(super) async fn run(
        &self,
        script: &Script,
        key: SessionHandle,
        id: &[u8],
        more: Vec<Vec<u8>>,
        now: UnixMillis,
    ) -> Result<Value, Failure> {
        let mut arguments = self.arguments(id, now);
        arguments.extend(more);
        self.server.run(script, &[self.keys.known(key)], &arguments).await
    }

    /// What every script takes first.
    pub(super) fn arguments(&self, id: &[u8], now: UnixMillis) -> Vec<Vec<u8>> {
        vec![
            self.keys.theirs(),
            self.keys.marks(),
            id.to_vec(),
            digits(now.as_millis()),
            millis(self.settings.remember),
            millis(self.settings.max_age),
        ]
    }

    pub(super) async fn look(
        &self,
        key: SessionHandle,
        id: &[u8],
        now: UnixMillis,
    ) -> Result<Found> {
        let answer = self.run(&SCRIPTS.load, key, id, Vec::new(), now).await;
        answer.and_then(Found::read).map_err(failed(LOAD))
    }

    pub(super) async fn find(
        &self,
        key: SessionHandle,
        id: Option<&SessionId>,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        let text = id.map(|id| id.expose(IdFormat::Hex));
        let text = text.as_ref().map_or(&b""[..], |text| text.as_bytes());
        for _ in 0..ATTEMPTS {
            let found = self.look(key, text, now).await?;
            match &found.state[..] {
                b"live" => {}
                b"expired" => return Ok(Lookup::Absent(Some(Ended::Expired))),
                _ => return Ok(Lookup::Absent(metadata::reason(&found.why))),
            }
            let Some((record, is_new)) = self.record(&found, id, now)? else {
                return Ok(Lookup::Absent(None));
            };
            if record.data().is_empty() && record.subject().is_none() {
                return Ok(Lookup::Absent(None));
            }
            if is_new {
                let more = vec![metadata::without_data(&record), found.revision.clone()];
                let adopted = self.run(&SCRIPTS.adopt, key, text, more, now).await;
                match adopted.and_then(number) {
                    Ok(1) if renewal.is_none_or(|renewal| renewal.due(&record, now).is_none()) => {}
                    Ok(_) => continue,
                    Err(failure) => return Err(failure.into_error(LOAD)),
                }
            }
            let Some(deadline) = renewal.and_then(|renewal| renewal.due(&record, now)) else {
                return Ok(Lookup::Live(record));
            };
            let idle = digits(found.idle.as_millis());
            let more = vec![digits(deadline.as_millis()), found.revision, idle];
            let moved = self.run(&SCRIPTS.touch, key, b"", more, now).await;
            if moved.and_then(number).map_err(failed(LOAD))? == 1 {
                return Ok(Lookup::Live(record.with_idle_deadline(deadline)));
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "could not load a session: others wrote it again and again; try again",
        ))
    }

    /// What is there, and whether that is yet to be noted: a session that Litestar made, if under an ID that was in use here.
    /// `None` if nothing is known of it and no ID was presented.
    pub(super) fn record(
        &self,
        found: &Found,
        id: Option<&SessionId>,
        now: UnixMillis,
    ) -> Result<Option<(Record, bool)>> {
        let document = document::read(&found.value)?;
        let revision = std::str::from_utf8(&found.revision).ok();
        let revision = revision.and_then(|text| u64::from_str_radix(text, 16).ok());
        let revision = revision.ok_or_else(|| Failure::Nonsense.into_error(LOAD))?;
        let noted = (!found.record.is_empty())
            .then(|| Record::from_bytes(&found.record, &Limits::default()))
            .transpose()?;
        // The value that was found is that of the ID that was noted, which need not be the presented one.
        let id = id.filter(|id| {
            noted.as_ref().is_none_or(|noted| noted.secret_hash() == id.secret_hash())
        });
        let noted = noted.filter(|noted| document.is_of(noted));
        let is_new = noted.is_none();
        let mut parts = match (noted, id) {
            (Some(noted), _) => noted.parts(),
            (None, Some(id)) => metadata::of_litestar(id, self.settings.max_age, now),
            (None, None) => return Ok(None),
        };
        parts.data = document.data;
        parts.revision = Revision::from_u64(revision);
        parts.idle_deadline = found.idle;
        Ok(Some((parts.into(), is_new)))
    }

    pub(super) async fn replace(
        &self,
        key: SessionHandle,
        id: Option<&SessionId>,
        record: &Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        let text = id.map(|id| id.expose(IdFormat::Hex));
        let text = text.as_ref().map_or(&b""[..], |text| text.as_bytes());
        let mut more = writing(record, now)?;
        more.push(hex(expected));
        let answer = self.run(&SCRIPTS.update, key, text, more, now).await;
        match answer.and_then(number).map_err(failed(UPDATE))? {
            1 => Ok(Updated::Updated),
            0 => Ok(Updated::Gone),
            2 => Ok(Updated::Conflict),
            _ => Err(Failure::Nonsense.into_error(UPDATE)),
        }
    }
}

/// What both scripts that write a record take.
pub(super) fn writing(record: &Record, now: UnixMillis) -> Result<Vec<Vec<u8>>> {
    let ends = record.expires_at();
    let absolute = record.absolute_deadline();
    // Litestar counts whole seconds; to the millisecond it is decided by what we note.
    let seconds = u64::try_from(ends.since(now).as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
    Ok(vec![
        document::write(record)?,
        metadata::without_data(record),
        hex(record.revision()),
        digits(record.idle_deadline().as_millis()),
        absolute.map_or(Vec::new(), |absolute| digits(absolute.as_millis())),
        digits(ends.as_millis()),
        digits(seconds.max(1)),
        record.subject().map_or(Vec::new(), tag),
    ])
}

/// What the index calls a subject: half of a SHA-256, so that no name of a person is in a key.
pub(super) fn tag(subject: &str) -> Vec<u8> {
    HEXLOWER.encode(&Sha256::digest(subject.as_bytes())[..16]).into_bytes()
}

fn hex(revision: Revision) -> Vec<u8> {
    format!("{:016x}", revision.as_u64()).into_bytes()
}

pub(super) fn failed(tried: &'static str) -> impl FnOnce(Failure) -> Error {
    move |failure| failure.into_error(tried).with_store(NAME)
}

pub(super) fn millis(duration: Duration) -> Vec<u8> {
    digits(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn digits(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}
