//! Sessions that a Litestar application has in Redis or Valkey.

mod builder;
mod clear;
mod directory;
mod keys;
mod steps;

use std::time::Duration;

pub use self::builder::RedisStoreBuilder;
pub(in crate::store) use self::builder::open;
use self::keys::Keys;
use self::steps::{SCRIPTS, digits, failed, writing};
use super::metadata;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{IdFormat, SessionHandle, SessionId};
use crate::record::{Record, Revision};
use crate::store::redis::failure::{Failure, number};
use crate::store::redis::server::Server;
use crate::store::{
    BoxFuture, Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds,
};
use crate::time::UnixMillis;

const NAME: &str = "litestar-redis";
const LOAD: &str = "load a session";
const CREATE: &str = "create a session";
const UPDATE: &str = "store a session";
const TOUCH: &str = "renew a session";
const DELETE: &str = "end a session";

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) max_age: Duration,
    pub(super) remember: Duration,
}

/// The sessions of a Litestar application that has them in Redis or Valkey: both sides read and write them.
///
/// It is **not** good for sessions that no Litestar application shares: anyone who reads the server has the IDs,
/// and a Litestar request writes back whatever it loaded, over what was written here meanwhile. [`cloakroom::RedisStore`](crate::RedisStore) has none of this.
///
/// # Storage
/// `LITESTAR:{id}` is Litestar's: the data as a JSON object, with the whole seconds that it lives. Beside it, out of
/// reach of that application's clients and of its `delete_all`, a hash `cloakroom-litestar/LITESTAR:s:{handle}`
/// has what Litestar has no room for (when it was created, who is signed in, limits),
/// `cloakroom-litestar/LITESTAR:o:{SHA-1 of an ID}` says that this ID has ended, so that it stays ended here if a
/// Litestar request writes it back, and a set `cloakroom-litestar/LITESTAR:u:{hash of a subject}` has the handles of whoever is
/// signed in. Every key of these has a time to live.
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
}

#[deny(clippy::missing_trait_methods)]
impl Store for RedisStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    fn never_waits(&self) -> bool {
        false
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
            let create = async |replacing: &str| {
                let mut more = writing(&record, now)?;
                more.push(replacing.into());
                let text = text.as_bytes();
                let answer = self.run(&SCRIPTS.create, id.handle(), text, more, now).await;
                answer.and_then(number).map_err(failed(CREATE))
            };
            let answer = match create("0").await? {
                2 => create("1").await?,
                answer => answer,
            };
            match answer {
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
