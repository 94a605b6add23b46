//! Sessions that a Litestar application has in a folder.

use std::io;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::file_envelope::Envelope;
use super::file_folder::{Folder, Known, name};
use super::{document, metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SessionHandle, SessionId};
use crate::record::{Limits, Record, Revision};
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
/// nothing lists sessions by subject, and Litestar takes no locks, so that a write of its own at the same
/// moment can be lost, as ours can be to it.
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

/// What there is under a handle.
enum Found {
    Live(Record, Known),
    /// Beside the reason: what ended there, if it is known.
    Absent(Option<Ended>, Option<Known>),
}

fn digest(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// The rules; whoever calls holds the lock.
impl FileStore {
    fn look(
        &self,
        key: SessionHandle,
        id: Option<&SessionId>,
        now: UnixMillis,
    ) -> Result<Found, Failure> {
        let known = self.folder.known(key)?;
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
        let Some(file) = own.or(presented) else { return Ok(Found::Absent(None, known)) };
        let Some(envelope) = self.folder.session(&file)? else {
            let over = known.as_ref().is_some_and(|known| known.idle <= now.as_millis());
            return Ok(Found::Absent(over.then_some(Ended::Expired), known));
        };
        let broken = || Error::new(ErrorKind::Corrupt, "a session file is not one of Litestar's");
        let envelope = envelope.ok_or_else(broken)?;
        let expires = envelope.expires_at.map(UnixMillis::as_millis);
        let hash = digest(&envelope.data);
        let of_bytes = hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
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
            Some(known) => known,
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

    fn bury(
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

    fn find(
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

    fn make(&self, id: &SessionId, record: &Record, now: UnixMillis) -> Result<Created, Failure> {
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

    fn replace(
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

    fn sweep(&self, limit: usize, now: UnixMillis) -> Result<usize, Failure> {
        let mut removed = 0;
        for key in self.folder.all_known()? {
            if removed == limit {
                return Ok(removed);
            }
            let _locked = self.folder.lock_all()?;
            let Some(known) = self.folder.known(key)? else { continue };
            let over = match &known.ended {
                Some(_) => known.forget_at <= now.as_millis(),
                None => {
                    matches!(self.look(key, None, now), Ok(Found::Absent(Some(Ended::Expired), _)))
                }
            };
            if over {
                if let Some(file) = &known.file {
                    self.folder.remove_session(file)?;
                }
                self.folder.remove_known(key)?;
                removed += 1;
            }
        }
        for file in self.folder.sessions()? {
            if removed == limit {
                return Ok(removed);
            }
            // Another process may be sweeping as well; and what cannot be read is left for a person to look at.
            let Ok(Some(Some(found))) = self.folder.session(&file) else { continue };
            if found.expires_at.is_some_and(|at| at <= now) {
                let _locked = self.folder.lock_all()?;
                removed += usize::from(self.folder.sweep_session(&file, now).unwrap_or(false));
            }
        }
        for (file, forget_at) in self.folder.old()? {
            if forget_at <= now {
                self.folder.unmark_old(&file)?;
            }
        }
        Ok(removed)
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
        self.on_thread("renew a session", move |store| {
            let _locked = store.folder.lock(key)?;
            let Found::Live(record, known) = store.look(key, None, now)? else { return Ok(false) };
            let Some(file) = known.file else { return Ok(false) };
            store.put(key, file, &record.with_idle_deadline(deadline))?;
            Ok(true)
        })
        .await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        self.on_thread("end a session", move |store| {
            let _locked = store.folder.lock(key)?;
            let (live, file) = match store.look(key, None, now) {
                Ok(Found::Live(_, known)) => (true, known.file),
                Ok(Found::Absent(_, Some(known))) if known.ended.is_some() => return Ok(false),
                Ok(Found::Absent(_, known)) => (false, known.and_then(|known| known.file)),
                Err(Failure::Error(error)) if error.kind() == ErrorKind::Corrupt => {
                    (false, store.folder.known(key)?.and_then(|known| known.file))
                }
                Err(failure) => return Err(failure),
            };
            store.bury(key, file.as_deref(), why, now)?;
            Ok(live)
        })
        .await
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
