//! Sessions that a Litestar application has in Redis or Valkey.

mod builder;
mod clear;
mod keys;

use std::sync::LazyLock;
use std::time::Duration;

use redis::Value;

pub use self::builder::RedisStoreBuilder;
pub(in crate::store) use self::builder::open;
use self::keys::Keys;
use super::{document, metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{IdFormat, SessionHandle, SessionId};
use crate::record::{Limits, Record, Revision};
use crate::store::redis::failure::{Failure, list, number};
use crate::store::redis::scripts::Script;
use crate::store::redis::server::Server;
use crate::store::{
    BoxFuture, Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds,
};
use crate::time::UnixMillis;

const NAME: &str = "litestar-redis";
/// How often a call begins again because the session was written meanwhile.
const ATTEMPTS: usize = 32;

const LOAD: &str = "load a session";
const CREATE: &str = "create a session";
const UPDATE: &str = "store a session";
const TOUCH: &str = "renew a session";
const DELETE: &str = "end a session";

#[derive(Debug)]
struct Scripts {
    load: Script,
    adopt: Script,
    create: Script,
    update: Script,
    touch: Script,
    delete: Script,
    clear: Script,
}

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| {
    let script = |body: &str| Script::new(format!("{}\n{body}", include_str!("lua/common.lua")));
    Scripts {
        load: script(include_str!("lua/load.lua")),
        adopt: script(include_str!("lua/adopt.lua")),
        create: script(include_str!("lua/create.lua")),
        update: script(include_str!("lua/update.lua")),
        touch: script(include_str!("lua/touch.lua")),
        delete: script(include_str!("lua/delete.lua")),
        clear: Script::new(include_str!("lua/clear.lua").to_owned()),
    }
});

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) max_age: Duration,
    pub(super) remember: Duration,
}

/// The sessions of a Litestar application that has them in Redis or Valkey: both sides read and write them.
///
/// It is **not** good for sessions that no Litestar application shares: anyone who reads the server has the IDs,
/// nothing lists sessions by subject, and a Litestar request writes back whatever it loaded, over what was
/// written here meanwhile. [`cloakroom::RedisStore`](crate::RedisStore) has none of this.
///
/// # Storage
/// `LITESTAR:{id}` is Litestar's: the data as a JSON object, with the whole seconds that it lives. Beside it, out of
/// reach of that application's clients and of its `delete_all`, a hash `cloakroom-litestar/LITESTAR:s:{handle}`
/// has what Litestar has no room for (when it was created, who is signed in, limits), and
/// `cloakroom-litestar/LITESTAR:o:{SHA-1 of an ID}` says that this ID has ended, so that it stays ended here if a
/// Litestar request writes it back.
///
/// # Round trips
/// One a call; one more for a renewal that is due, and for the first load of a session that Litestar made.
///
/// # Examples
/// ```no_run
/// use cloakroom::store::litestar::RedisStore;
/// use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig};
///
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisStore::from_url("redis://127.0.0.1:6379/0")?;
/// let backend = ServerSideSessionBackend::new(store, ServerSideSessionConfig::litestar())?;
/// # let _ = backend;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct RedisStore {
    server: Server,
    keys: Keys,
    settings: Settings,
}

/// What a load script answers.
struct Found {
    state: Vec<u8>,
    value: Vec<u8>,
    record: Vec<u8>,
    revision: Vec<u8>,
    idle: UnixMillis,
    why: Vec<u8>,
}

impl RedisStore {
    /// The store of a URL with default settings; connects at its first use.
    ///
    /// # Errors
    /// As [`RedisStoreBuilder::from_url`] and [`RedisStoreBuilder::build`].
    pub fn from_url(url: &str) -> Result<Self> {
        RedisStoreBuilder::from_url(url)?.build()
    }

    fn new(server: Server, keys: Keys, settings: Settings) -> Self {
        Self { server, keys, settings }
    }

    /// The counterpart of Litestar's `with_namespace`, which `StoreRegistry(default_factory=root.with_namespace)`
    /// uses: `LITESTAR` and `sessions` make `LITESTAR_sessions`.
    #[must_use]
    pub fn with_namespace(&self, name: &str) -> Self {
        Self { keys: self.keys.in_namespace(name), ..self.clone() }
    }

    /// Asks the server whether it is there and takes scripts.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if not.
    pub async fn ping(&self) -> Result<()> {
        let handle = SessionHandle::from_bytes([0; 16]);
        self.look(handle, b"", UnixMillis::default()).await.map(drop)
    }

    async fn run(
        &self,
        script: &Script,
        key: SessionHandle,
        id: &[u8],
        more: Vec<Vec<u8>>,
        now: UnixMillis,
    ) -> Result<Value, Failure> {
        let mut arguments = vec![
            self.keys.theirs(),
            self.keys.marks(),
            id.to_vec(),
            digits(now.as_millis()),
            millis(self.settings.remember),
            millis(self.settings.max_age),
        ];
        arguments.extend(more);
        self.server.run(script, &[self.keys.known(key)], &arguments).await
    }

    async fn look(&self, key: SessionHandle, id: &[u8], now: UnixMillis) -> Result<Found> {
        let answer = self.run(&SCRIPTS.load, key, id, Vec::new(), now).await;
        let parts = answer.and_then(list).map_err(failed(LOAD))?;
        let nonsense = || Failure::Nonsense.into_error(LOAD);
        let Ok([state, value, record, revision, idle, why]) = <[Vec<u8>; 6]>::try_from(parts)
        else {
            return Err(nonsense());
        };
        let idle = std::str::from_utf8(&idle).ok().and_then(|text| text.parse().ok());
        let idle = UnixMillis::from_millis(idle.ok_or_else(nonsense)?);
        Ok(Found { state, value, record, revision, idle, why })
    }

    async fn find(
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
            let record = self.record(&found, id, now)?;
            if record.data().is_empty() && record.subject().is_none() {
                return Ok(Lookup::Absent(None));
            }
            if found.record.is_empty() {
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

    fn record(&self, found: &Found, id: Option<&SessionId>, now: UnixMillis) -> Result<Record> {
        let data = document::read(&found.value)?;
        let revision = std::str::from_utf8(&found.revision).ok();
        let revision = revision.and_then(|text| u64::from_str_radix(text, 16).ok());
        let revision = revision.ok_or_else(|| Failure::Nonsense.into_error(LOAD))?;
        let mut parts = match id {
            Some(id) if found.record.is_empty() => {
                metadata::of_litestar(id, self.settings.max_age, now)
            }
            _ => Record::from_bytes(&found.record, &Limits::default())?.parts(),
        };
        parts.data = data;
        parts.revision = Revision::from_u64(revision);
        parts.idle_deadline = found.idle;
        Ok(parts.into())
    }

    async fn replace(
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

#[deny(clippy::missing_trait_methods)]
impl Store for RedisStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn directory(&self) -> Option<&dyn Directory> {
        None
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        Some(self)
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        self.find(key, None, renewal, now).await
    }

    /// Impossible without the ID, under which Litestar will look.
    async fn create(&self, _: SessionHandle, _: Record, _: UnixMillis) -> Result<Created> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "a session that is shared with Litestar is created by its whole ID; see `Store::whole_ids`",
        ))
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        self.replace(key, None, &record, expected, now).await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        let more = vec![digits(deadline.as_millis()), Vec::new(), Vec::new()];
        let answer = self.run(&SCRIPTS.touch, key, b"", more, now).await;
        Ok(answer.and_then(number).map_err(failed(TOUCH))? == 1)
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        let why = metadata::name(why);
        let answer = self.run(&SCRIPTS.delete, key, b"", vec![why.into()], now).await;
        Ok(answer.and_then(number).map_err(failed(DELETE))? == 1)
    }

    /// Nothing to do: each key has a time to live.
    async fn delete_expired(&self, _limit: usize, _now: UnixMillis) -> Result<usize> {
        Ok(0)
    }

    async fn ended(&self, _key: SessionHandle) {
        std::future::pending().await
    }
}

impl WholeIds for RedisStore {
    fn load_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        renewal: Option<&'a Renewal>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Lookup>> {
        Box::pin(self.find(id.handle(), Some(id), renewal, now))
    }

    fn create_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Created>> {
        Box::pin(async move {
            let text = id.expose(IdFormat::Hex);
            let more = writing(&record, now)?;
            let answer = self.run(&SCRIPTS.create, id.handle(), text.as_bytes(), more, now).await;
            match answer.and_then(number).map_err(failed(CREATE))? {
                1 => Ok(Created::Created),
                0 => Ok(Created::Occupied),
                _ => Err(Failure::Nonsense.into_error(CREATE)),
            }
        })
    }

    fn update_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Updated>> {
        Box::pin(async move { self.replace(id.handle(), Some(id), &record, expected, now).await })
    }

    /// By a walk over the keys of the database, a thousand at a time.
    ///
    /// [`ErrorKind::Unsupported`] without a namespace, as there: any key could be somebody else's.
    fn delete_all(&self, _now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.clear())
    }
}

/// What both scripts that write a record take.
fn writing(record: &Record, now: UnixMillis) -> Result<Vec<Vec<u8>>> {
    let ends = record.expires_at();
    let absolute = record.absolute_deadline();
    // Litestar counts whole seconds; to the millisecond it is decided by what we note.
    let seconds = u64::try_from(ends.since(now).as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
    Ok(vec![
        document::write(&record.data())?,
        metadata::without_data(record),
        hex(record.revision()),
        digits(record.idle_deadline().as_millis()),
        absolute.map_or(Vec::new(), |absolute| digits(absolute.as_millis())),
        digits(ends.as_millis()),
        digits(seconds.max(1)),
        if record.subject().is_some() { b"1".to_vec() } else { b"0".to_vec() },
    ])
}

fn hex(revision: Revision) -> Vec<u8> {
    format!("{:016x}", revision.as_u64()).into_bytes()
}

fn failed(tried: &'static str) -> impl FnOnce(Failure) -> Error {
    move |failure| failure.into_error(tried).with_store(NAME)
}

fn millis(duration: Duration) -> Vec<u8> {
    digits(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn digits(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}
