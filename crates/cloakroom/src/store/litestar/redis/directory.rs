//! Finding sessions without their handle: by the index of a subject, or by a walk over Litestar's keys.

use std::collections::{BTreeMap, HashSet};

use redis::Value;

use super::RedisStore;
use super::clear::id_of;
use super::steps::{Found, SCRIPTS, failed, tag};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{IdFormat, SessionHandle, SessionId};
use crate::record::Record;
use crate::store::redis::call::Call;
use crate::store::redis::failure::{Failure, list};
use crate::store::{BoxFuture, Directory};
use crate::time::UnixMillis;

/// Sessions asked for in one script, so that the server is held up for a millisecond.
const CHUNK: usize = 100;
const LIST: &str = "list sessions";

type Listed = Vec<(SessionHandle, Record)>;

impl Directory for RedisStore {
    fn by_subject<'a>(
        &'a self,
        subject: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Listed>> {
        Box::pin(async move {
            let index = self.keys.index(&tag(subject));
            let answer = self.server.call(Call::new("SMEMBERS", &index)).await;
            let members = answer.and_then(list).map_err(failed(LIST))?;
            let handles: Vec<SessionHandle> = members
                .iter()
                .filter_map(|member| std::str::from_utf8(member).ok()?.parse().ok())
                .collect();
            let mut found = Vec::new();
            for chunk in handles.chunks(CHUNK) {
                let asked: Vec<_> = chunk.iter().map(|&handle| (handle, None)).collect();
                found.extend(self.live(&asked, now).await?);
            }
            found.retain(|(_, record)| record.subject() == Some(subject));
            Ok(found)
        })
    }

    fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Listed>> {
        Box::pin(async move {
            let mut page = BTreeMap::new();
            let mut scan = self.server.scan(self.pattern()?).await.map_err(failed(LIST))?;
            while let Some(keys) = scan.next().await.map_err(failed(LIST))? {
                for chunk in keys.chunks(CHUNK) {
                    let last = page.last_key_value().map(|(&last, _)| last);
                    let last = last.filter(|_| page.len() >= limit);
                    let asked = self.asked(chunk, |handle| {
                        after.is_none_or(|after| handle > after)
                            && last.is_none_or(|last| handle < last)
                    });
                    page.extend(self.live(&asked, now).await?);
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
            let mut live = HashSet::new();
            let mut scan = self.server.scan(self.pattern()?).await.map_err(failed(LIST))?;
            while let Some(keys) = scan.next().await.map_err(failed(LIST))? {
                for chunk in keys.chunks(CHUNK) {
                    let asked = self.asked(chunk, |_| true);
                    live.extend(
                        self.live(&asked, now).await?.into_iter().map(|(handle, _)| handle),
                    );
                }
            }
            Ok(live.len() as u64)
        })
    }
}

impl RedisStore {
    pub(super) fn pattern(&self) -> Result<String> {
        self.keys.pattern().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "without a namespace every key of the database could be a session; give the store one",
            )
            .with_store(super::NAME)
        })
    }

    /// The sessions in keys that a scan found.
    fn asked(
        &self,
        keys: &[Vec<u8>],
        wanted: impl Fn(SessionHandle) -> bool,
    ) -> Vec<(SessionHandle, Option<SessionId>)> {
        let theirs = self.keys.theirs();
        let ids = keys.iter().filter_map(|key| id_of(key.strip_prefix(&theirs[..])?));
        ids.map(|id| (id.handle(), Some(id))).filter(|(handle, _)| wanted(*handle)).collect()
    }

    /// Those that are live. One that cannot be read is none: a list shows the others.
    async fn live(
        &self,
        asked: &[(SessionHandle, Option<SessionId>)],
        now: UnixMillis,
    ) -> Result<Listed> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let known: Vec<_> = asked.iter().map(|(handle, _)| self.keys.known(*handle)).collect();
        let mut arguments = self.arguments(b"", now);
        for (_, id) in asked {
            let text = id.as_ref().map(|id| id.expose(IdFormat::Hex));
            arguments.push(text.map_or(Vec::new(), |text| text.as_bytes().to_vec()));
        }
        let answer = self.server.run(&SCRIPTS.list, &known, &arguments).await;
        let found = answer.and_then(many).map_err(failed(LIST))?;
        let mut live = Vec::new();
        for ((handle, id), found) in asked.iter().zip(found) {
            let found = found.map_err(failed(LIST))?;
            if found.state != b"live" {
                continue;
            }
            match self.record(&found, id.as_ref(), now) {
                Ok(Some((record, _)))
                    if !record.data().is_empty() || record.subject().is_some() =>
                {
                    live.push((*handle, record));
                }
                Ok(_) => {}
                Err(_) => tracing::warn!(store = super::NAME, %handle, "record cannot be read"),
            }
        }
        Ok(live)
    }
}

fn many(answer: Value) -> Result<Vec<Result<Found, Failure>>, Failure> {
    match answer {
        Value::Array(all) => Ok(all.into_iter().map(Found::read).collect()),
        _ => Err(Failure::Nonsense),
    }
}
