//! Sessions that a Litestar application has in a folder.

mod all;
mod directory;
mod disk;
mod envelope;
mod folder;
mod look;
#[cfg(test)]
mod power_cut;
mod rules;

use std::io;
use std::path::Path;
use std::time::Duration;

use self::folder::Folder;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SessionHandle, SessionId};
use crate::record::{Record, Revision};
use crate::store::open::StoreUrl;
use crate::store::{
    AnyStore, BoxFuture, Created, Directory, Ended, Lookup, Renewal, Store, Updated, WholeIds,
};
use crate::time::UnixMillis;

const NAME: &str = "litestar-file";
/// Litestar's own default.
const MAX_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Longer than the default lifetime, so that what is written back late is known to have ended.
const REMEMBER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The sessions of a Litestar application (2.20 or later) that has them in a folder: both sides read and write them.
///
/// It is **not** good for sessions that no Litestar application shares, nor for many: each write waits for the disk,
/// each list looks through all that was noted, and Litestar takes no locks, so that a write of its own at the same
/// moment can be lost, as ours can be to it. A session that was never used here is in no list.
///
/// # Storage
/// `DIR/{BLAKE2s of the ID}` is Litestar's, in its own format. What Litestar has no room for is in `DIR.cloakroom`
/// beside it, which must be on the same file system: nothing of ours, no temporary file either, is ever in
/// Litestar's folder. Both run as the same user, since Litestar's files are readable by their owner alone.
///
/// # Locks
/// Processes of ours take turns by locks of the operating system, held for a few file operations. Calls run on threads for
/// blocking work; one whose future is dropped goes on to its end.
///
/// # Examples
/// ```no_run
/// use cloakroom::store::litestar::FileStore;
/// use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig};
///
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FileStore::new("/srv/app/sessions"); // `FileStore(Path("/srv/app/sessions"))`
/// let backend = ServerSideSessionBackend::new(store, ServerSideSessionConfig::litestar())?;
/// # let _ = backend;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FileStore {
    folder: Folder,
    max_age: Duration,
    remember: Duration,
}

impl FileStore {
    /// The sessions in a folder, which is made when it is first written to.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { folder: Folder::new(path.as_ref()), max_age: MAX_AGE, remember: REMEMBER }
    }

    /// The counterpart of Litestar's `with_namespace`: the folder of this name inside.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`] for what is not letters and digits alone, as there.
    pub fn with_namespace(&self, name: &str) -> Result<Self> {
        if name.is_empty() || !name.chars().all(char::is_alphanumeric) {
            return Err(Error::new(
                ErrorKind::StoreUrl,
                "the namespace of a folder of Litestar is made of letters and digits",
            ));
        }
        Ok(Self { folder: self.folder.in_namespace(name), ..self.clone() })
    }

    /// Sets the lifetime of sessions that Litestar made: its `max_age`, and that of the configuration here.
    /// Default: 14 days.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }

    /// Sets for how long it is remembered that an ID has ended. Default: 30 days; at least the `max_age`, since for
    /// as long a Litestar request could bring it back.
    #[must_use]
    pub fn with_remembered_ends(self, remember: Duration) -> Self {
        Self { remember, ..self }
    }

    /// Does something with files, on a thread for it.
    async fn on_thread<T: Send + 'static>(
        &self,
        tried: &'static str,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Failure::Error(error))) => Err(error.with_store(NAME)),
            Ok(Err(Failure::Io(error))) => Err(Error::new(
                ErrorKind::Unavailable,
                format!("could not {tried}: the folder cannot be used; check that it and `….cloakroom` beside it belong to this user, and that the disk is not full"),
            )
            .with_source(io::Error::from(error.kind()))
            .with_store(NAME)),
            Err(_) => Err(Error::new(ErrorKind::Unavailable, format!("could not {tried}: the runtime is ending"))
                .with_store(NAME)),
        }
    }
}

enum Failure {
    Io(io::Error),
    Error(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

const LOAD: &str = "load a session";
const CREATE: &str = "create a session";
const UPDATE: &str = "store a session";

#[deny(clippy::missing_trait_methods)]
impl Store for FileStore {
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
        let renewal = renewal.copied();
        self.on_thread(LOAD, move |store| store.find(key, None, renewal.as_ref(), now)).await
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
        self.on_thread(UPDATE, move |store| store.replace(key, None, &record, expected, now)).await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        self.on_thread("renew a session", move |store| store.renew(key, deadline, now)).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        self.on_thread("end a session", move |store| store.end(key, why, now)).await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        self.on_thread("remove expired sessions", move |store| store.sweep(limit, now)).await
    }

    async fn ended(&self, _key: SessionHandle) {
        std::future::pending().await
    }
}

impl WholeIds for FileStore {
    fn load_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        renewal: Option<&'a Renewal>,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Lookup>> {
        let (id, renewal) = (id.clone(), renewal.copied());
        Box::pin(self.on_thread(LOAD, move |store| {
            store.find(id.handle(), Some(&id), renewal.as_ref(), now)
        }))
    }

    fn create_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Created>> {
        let id = id.clone();
        Box::pin(self.on_thread(CREATE, move |store| store.make(&id, &record, now)))
    }

    fn update_by_id<'a>(
        &'a self,
        id: &'a SessionId,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Updated>> {
        let id = id.clone();
        Box::pin(self.on_thread(UPDATE, move |store| {
            store.replace(id.handle(), Some(&id), &record, expected, now)
        }))
    }

    fn delete_all(&self, now: UnixMillis) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.on_thread("end all sessions", move |store| store.clear(now)))
    }
}

/// Opens the store that a URL names: `litestar+file:./sessions`.
pub(in crate::store) fn open(mut url: StoreUrl) -> Result<AnyStore> {
    let namespace = url.option("namespace").filter(|name| !name.is_empty());
    let max_age = match url.option("max_age").map(|text| humantime::parse_duration(&text)) {
        None => MAX_AGE,
        Some(Ok(max_age)) => max_age,
        Some(Err(_)) => return Err(url.refused("has a `max_age` that is none, such as `14d`")),
    };
    url.no_more_options("namespace, max_age")?;
    let path = url.location.strip_prefix("//").unwrap_or(&url.location);
    if Path::new(path).file_name().is_none() {
        return Err(url.refused("names a folder, such as `litestar+file:./sessions`"));
    }
    let store = FileStore::new(path).with_max_age(max_age);
    Ok(AnyStore::new(match namespace {
        None => store,
        Some(name) => store.with_namespace(&name)?,
    }))
}
