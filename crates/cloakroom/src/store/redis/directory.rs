//! Finding sessions without their handle: by the index of a subject, or by a walk over all keys.

use std::collections::BTreeMap;

use super::RedisStore;
use super::call::Call;
use super::failure::{Failure, bytes, list};
use super::keys::SubjectTag;
use super::scripts::SCRIPTS;
use super::steps::millis;
use super::value::{self, ENDED};
use crate::error::{Error, Result};
use crate::id::SessionHandle;
use crate::record::Record;
use crate::store::{BoxFuture, Directory, Lookup};
use crate::time::UnixMillis;

/// Sessions asked for in one go.
const CHUNK: usize = 256;

const LIST: &str = "list sessions";
const COUNT: &str = "count sessions";
const CONFIRM: &str = "have the end of sessions confirmed";

impl Directory for RedisStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let index = self.keys.index(SubjectTag::of(subject));
            let handles = self.indexed(&index).await.map_err(failed(LIST))?;
            let (mut found, mut ended) = (Vec::new(), Vec::new());
            for chunk in handles.chunks(CHUNK) {
                let values = self.values(chunk).await.map_err(failed(LIST))?;
                for (&handle, value) in chunk.iter().zip(values) {
                    match live(value.as_deref(), now) {
                        Some(record) if record.subject() == Some(subject) => {
                            found.push((handle, record));
                        }
                        // Another's, or of nobody yet: its entry may be older or newer than it.
                        Some(_) => {}
                        None if is_ended(value.as_deref()) => ended.push(handle),
                        // One that is not there may be about to be written: the index is told first.
                        None => {}
                    }
                }
            }
            if self.confirms && !ended.is_empty() {
                // By its entry an end is found that replicas have yet to confirm. A list does not wait for them.
                let store = self.clone();
                tokio::spawn(async move {
                    if store.confirm(&ended).await.is_ok() {
                        store.forget(&index, &ended).await;
                    }
                });
            } else {
                self.forget(&index, &ended).await;
            }
            Ok(found)
        })
    }

    fn confirm_ends<'a>(&'a self, subject: &'a str, _now: UnixMillis) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !self.confirms {
                return Ok(());
            }
            let index = self.keys.index(SubjectTag::of(subject));
            let handles = self.indexed(&index).await.map_err(failed(CONFIRM))?;
            for chunk in handles.chunks(CHUNK) {
                let values = self.values(chunk).await.map_err(failed(CONFIRM))?;
                let ended = chunk.iter().zip(values).filter(|(_, it)| is_ended(it.as_deref()));
                let ended: Vec<_> = ended.map(|(&handle, _)| handle).collect();
                self.confirm(&ended).await.map_err(failed(CONFIRM))?;
                self.forget(&index, &ended).await;
            }
            Ok(())
        })
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async move {
            let mut page = BTreeMap::new();
            let scan = self.server.scan(self.keys.sessions()).await;
            let mut scan = scan.map_err(failed(LIST))?;
            while let Some(keys) = scan.next().await.map_err(failed(LIST))? {
                let last = page.last_key_value().map(|(&last, _)| last);
                let last = last.filter(|_| page.len() >= limit);
                let handles: Vec<_> = keys
                    .iter()
                    .filter_map(|key| self.keys.handle(key))
                    .filter(|&handle| after.is_none_or(|after| handle > after))
                    .filter(|&handle| last.is_none_or(|last| handle < last))
                    .collect();
                for chunk in handles.chunks(CHUNK) {
                    let values = self.values(chunk).await.map_err(failed(LIST))?;
                    for (&handle, value) in chunk.iter().zip(values) {
                        if let Some(record) = live(value.as_deref(), now) {
                            page.insert(handle, record);
                        }
                    }
                    while page.len() > limit {
                        page.pop_last();
                    }
                }
            }
            Ok(page.into_iter().collect())
        })
    }

    fn count(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            // A scan may find a key twice, so handles are remembered: 16 bytes for each session.
            let mut live = std::collections::HashSet::new();
            let scan = self.server.scan(self.keys.sessions()).await;
            let mut scan = scan.map_err(failed(COUNT))?;
            while let Some(keys) = scan.next().await.map_err(failed(COUNT))? {
                let handles: Vec<_> = keys.iter().filter_map(|key| self.keys.handle(key)).collect();
                for chunk in handles.chunks(CHUNK) {
                    let heads = self
                        .get(chunk, |key| Call::new("GETRANGE", key).arg(0).arg(value::HEAD - 1))
                        .await
                        .map_err(failed(COUNT))?;
                    let heads = chunk.iter().zip(heads);
                    live.extend(
                        heads
                            .filter(|(_, head)| {
                                head.as_deref().is_some_and(|head| value::is_live(head, now))
                            })
                            .map(|(&handle, _)| handle),
                    );
                }
            }
            Ok(live.len() as u64)
        })
    }
}

impl RedisStore {
    /// The sessions that an index has: some may have ended, or be another's by now.
    async fn indexed(&self, index: &[u8]) -> Result<Vec<SessionHandle>, Failure> {
        let answer = self.server.call(Call::new("ZRANGE", index).arg(0).arg(-1)).await;
        let entries = answer.and_then(list)?.into_iter();
        let handles =
            entries.filter_map(|entry| Some(SessionHandle::from_bytes(entry.try_into().ok()?)));
        Ok(handles.collect())
    }

    /// Has replicas confirm that these have ended.
    async fn confirm(&self, ended: &[SessionHandle]) -> Result<(), Failure> {
        let calls = |with_text| {
            let calls = ended.iter().map(|&handle| {
                let (keys, arguments) = ([self.keys.session(handle)], [millis(self.keeps_ends())]);
                Call::script(&SCRIPTS.confirm, with_text, &keys, &arguments)
            });
            calls.collect()
        };
        match self.writes.call_all(calls(false)).await {
            Err(failure) if failure.lacks_script() => {
                self.writes.call_all(calls(true)).await.map(drop)
            }
            answers => answers.map(drop),
        }
    }

    async fn values(&self, handles: &[SessionHandle]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        self.get(handles, |key| Call::new("GET", key)).await
    }

    async fn get(
        &self,
        handles: &[SessionHandle],
        call: impl Fn(&[u8]) -> Call,
    ) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        let calls = handles.iter().map(|&handle| call(&self.keys.session(handle))).collect();
        self.server.call_all(calls).await?.into_iter().map(bytes).collect()
    }

    /// Takes sessions that have ended for good out of an index. Nobody waits for it to succeed: entries go by
    /// themselves in time.
    async fn forget(&self, index: &[u8], ended: &[SessionHandle]) {
        if ended.is_empty() {
            return;
        }
        let mut call = Call::new("ZREM", index);
        for handle in ended {
            call = call.arg(handle.as_bytes());
        }
        let _ = self.server.call(call).await;
    }
}

fn is_ended(value: Option<&[u8]>) -> bool {
    value.is_some_and(|value| value.first() == Some(&ENDED))
}

/// The live record in a value. One that cannot be read is none: a list shows the others.
fn live(value: Option<&[u8]>, now: UnixMillis) -> Option<Record> {
    match value::lookup(value?, now) {
        Ok(Lookup::Live(record)) => Some(record),
        _ => None,
    }
}

fn failed(tried: &'static str) -> impl FnOnce(Failure) -> Error {
    move |failure| failure.into_error(tried)
}
