//! The contract, each call of it one script.

use std::time::Duration;

use redis::Value;

use super::call::Call;
use super::failure::{Failure, bytes, number};
use super::keys::SubjectTag;
use super::replicas::AGAIN;
use super::scripts::{SCRIPTS, Script};
use super::{NAME, RedisStore, value};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionHandle;
use crate::record::{Record, Revision};
use crate::store::{Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds};
use crate::time::UnixMillis;

/// How often a call that needs the index told begins again because the session was written meanwhile.
const ATTEMPTS: usize = 8;
/// How long an end stays at least that replicas have to confirm.
const REPEATABLE: Duration = Duration::from_secs(60);

const LOAD: &str = "load a session";
const CREATE: &str = "create a session";
const UPDATE: &str = "store a session";
const TOUCH: &str = "renew a session";
const DELETE: &str = "end a session";

#[deny(clippy::missing_trait_methods)]
impl Store for RedisStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn never_waits(&self) -> bool {
        false
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        None
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        let answer = match renewal {
            None => {
                let call = Call::new("GET", &self.keys.session(key));
                self.server.call(call).await.map_err(failed(LOAD))?
            }
            Some(renewal) => {
                let arguments = [
                    digits(now.as_millis()),
                    self.slack(),
                    renewal.secret_hash().as_bytes().to_vec(),
                    // Deadlines are whole milliseconds, so that a part of one is not reached before the next.
                    renewal.every().map_or(Vec::new(), |every| {
                        digits(
                            u64::try_from(every.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX),
                        )
                    }),
                ];
                let renewed = |record: &Record| now.plus(record.max_age());
                self.moving(&SCRIPTS.load, key, &arguments, now, LOAD, renewed).await?
            }
        };
        match bytes(answer).map_err(failed(LOAD))? {
            None => Ok(Lookup::Absent(None)),
            Some(value) => value::lookup(&value, now).map_err(|error| error.with_store(NAME)),
        }
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        let until = indexed_until(&record, record.idle_deadline());
        let index = self.index_of(&record);
        let mut keys = vec![self.keys.session(key)];
        let mut arguments = self.writing(&record, until, Ended::Expired, now);
        let replacing = arguments.len();
        arguments.push(b"0".to_vec());
        if let Some(index) = index {
            if self.server.has_one_slot() {
                keys.push(index);
                arguments.extend([key.as_bytes().to_vec(), digits(until.as_millis())]);
            } else if !record.is_expired(now) {
                self.enter(index, key, until, now, CREATE).await?;
            }
        }
        loop {
            let answer = self.writes.run(&SCRIPTS.create, &keys, &arguments).await;
            match answer.and_then(number).map_err(failed(CREATE))? {
                1 => return Ok(Created::Created),
                0 => return Ok(Created::Occupied),
                // A call that is late has nobody who would ask again.
                2 if arguments[replacing] == b"0" => arguments[replacing] = b"1".to_vec(),
                _ => return Err(Failure::Nonsense.into_error(CREATE)),
            }
        }
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        let until = indexed_until(&record, record.idle_deadline());
        let index = self.index_of(&record);
        let mut keys = vec![self.keys.session(key)];
        let mut arguments = self.writing(&record, until, Ended::Destroyed, now);
        arguments.push(expected.as_u64().to_le_bytes().to_vec());
        let told = arguments.len();
        arguments.push(b"0".to_vec());
        if let Some(index) = index.clone().filter(|_| self.server.has_one_slot()) {
            keys.push(index);
            arguments.extend([key.as_bytes().to_vec(), digits(until.as_millis())]);
        }
        loop {
            let answer = self.writes.run(&SCRIPTS.update, &keys, &arguments).await;
            match (answer.and_then(number).map_err(failed(UPDATE))?, &index) {
                (1, _) => return Ok(Updated::Updated),
                (0, _) => return Ok(Updated::Gone),
                (2, _) => return Ok(Updated::Conflict),
                (3, Some(index)) if arguments[told] == b"0" => {
                    self.enter(index.clone(), key, until, now, UPDATE).await?;
                    arguments[told] = b"1".to_vec();
                }
                (-1, _) => return Err(value::corrupt().with_store(NAME)),
                _ => return Err(Failure::Nonsense.into_error(UPDATE)),
            }
        }
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        let arguments = [digits(now.as_millis()), self.slack(), digits(deadline.as_millis())];
        let answer = self.moving(&SCRIPTS.touch, key, &arguments, now, TOUCH, |_| deadline).await?;
        match number(answer).map_err(failed(TOUCH))? {
            1 => Ok(true),
            0 => Ok(false),
            -1 => Err(value::corrupt().with_store(NAME)),
            _ => Err(Failure::Nonsense.into_error(TOUCH)),
        }
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        let [stone, remember] = self.stone(why, now);
        let confirms = digits(self.confirms.into());
        let arguments = [digits(now.as_millis()), stone, remember, confirms];
        let answer = self.writes.run(&SCRIPTS.delete, &[self.keys.session(key)], &arguments).await;
        match answer.and_then(number).map_err(failed(DELETE))? {
            1 => Ok(true),
            0 | AGAIN => Ok(false),
            _ => Err(Failure::Nonsense.into_error(DELETE)),
        }
    }

    /// Nothing to do: each key of ours has a time to live.
    async fn delete_expired(&self, _limit: usize, _now: UnixMillis) -> Result<usize> {
        Ok(0)
    }

    async fn ended(&self, _key: SessionHandle) {
        std::future::pending().await
    }
}

impl RedisStore {
    /// Runs a script that moves a deadline, to the moment that `deadline` tells; again, with what it has to
    /// know of the index, if it says that the index would forget the session too early.
    async fn moving(
        &self,
        script: &Script,
        key: SessionHandle,
        arguments: &[Vec<u8>],
        now: UnixMillis,
        tried: &'static str,
        deadline: impl Fn(&Record) -> UnixMillis,
    ) -> Result<Value> {
        let mut keys = vec![self.keys.session(key)];
        let mut arguments = arguments.to_vec();
        arguments.push(if self.server.has_one_slot() { b"1" } else { b"0" }.to_vec());
        let without_grant = arguments.len();
        for _ in 0..ATTEMPTS {
            let answer = self.server.run(script, &keys, &arguments).await.map_err(failed(tried))?;
            let value = match answer {
                Value::Array(mut values) if values.len() == 1 => values.remove(0),
                answer => return Ok(answer),
            };
            let value = bytes(value).map_err(failed(tried))?.unwrap_or_default();
            let found = value::lookup(&value, now).map_err(|error| error.with_store(NAME))?;
            let Lookup::Live(record) = found else {
                return Err(Failure::Nonsense.into_error(tried));
            };
            let until = indexed_until(&record, deadline(&record));
            let Some(index) = self.index_of(&record) else {
                return Err(Failure::Nonsense.into_error(tried));
            };
            keys.truncate(1);
            if self.server.has_one_slot() {
                keys.push(index);
            } else {
                self.enter(index, key, until, now, tried).await?;
            }
            arguments.truncate(without_grant);
            arguments.extend([
                record.revision().as_u64().to_le_bytes().to_vec(),
                digits(until.as_millis()),
                key.as_bytes().to_vec(),
            ]);
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("could not {tried}: others wrote it again and again; try again"),
        )
        .with_store(NAME))
    }

    /// Enters a session into the index of its subject: before the session is written, so that none can be
    /// missed. An entry without its session is passed over.
    async fn enter(
        &self,
        index: Vec<u8>,
        key: SessionHandle,
        until: UnixMillis,
        now: UnixMillis,
        tried: &'static str,
    ) -> Result<()> {
        let arguments = [
            digits(now.as_millis()),
            self.slack(),
            key.as_bytes().to_vec(),
            digits(until.as_millis()),
        ];
        let answer = self.writes.run(&SCRIPTS.index, &[index], &arguments).await;
        answer.and_then(number).map(drop).map_err(failed(tried))
    }

    /// What both scripts that write a record begin with.
    fn writing(
        &self,
        record: &Record,
        until: UnixMillis,
        if_expired: Ended,
        now: UnixMillis,
    ) -> Vec<Vec<u8>> {
        let [stone, remember] = self.stone(if_expired, now);
        vec![
            digits(now.as_millis()),
            self.slack(),
            value::session(record, until),
            digits(record.expires_at().as_millis()),
            stone,
            remember,
        ]
    }

    fn index_of(&self, record: &Record) -> Option<Vec<u8>> {
        record.subject().map(|subject| self.keys.index(SubjectTag::of(subject)))
    }

    /// What is left of a session, and for how many milliseconds.
    fn stone(&self, why: Ended, now: UnixMillis) -> [Vec<u8>; 2] {
        let forget_at = now.plus(self.settings.remember);
        [value::stone(why, forget_at), millis(self.keeps_ends())]
    }

    /// How long the server knows that a session has ended: where replicas confirm it, long enough for a call to be
    /// repeated that they did not.
    pub(super) fn keeps_ends(&self) -> Duration {
        self.settings.remember.max(if self.confirms { REPEATABLE } else { Duration::ZERO })
    }

    fn slack(&self) -> Vec<u8> {
        millis(self.settings.slack)
    }
}

/// How long the index is told to know a session: one lifetime more than it has at this deadline, so that it is
/// not told at every renewal.
fn indexed_until(record: &Record, deadline: UnixMillis) -> UnixMillis {
    let renewed = deadline.plus(record.max_age());
    record.absolute_deadline().map_or(renewed, |absolute| absolute.min(renewed))
}

fn failed(tried: &'static str) -> impl FnOnce(Failure) -> Error {
    move |failure| failure.into_error(tried)
}

pub(super) fn millis(duration: Duration) -> Vec<u8> {
    digits(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn digits(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}
