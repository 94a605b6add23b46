//! The folders: Litestar's, and ours beside it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use blake2::{Blake2s256, Digest as _};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::Failure;
use super::disk::{sync_file, sync_folder, sync_parent};
use super::envelope::Envelope;
use crate::error::{Error, ErrorKind};
use crate::id::{IdFormat, SessionHandle, SessionId};
use crate::record::{Limits, Record};
use crate::time::UnixMillis;

/// Locks of single sessions. Two sessions that share one wait for each other for a few file operations.
const STRIPES: u8 = 64;

/// What is in our folder. The one of the locks is made last: who has a lock finds all others, though another process may
/// be making them at the same time.
const PARTS: [&str; 4] = ["known", "old", "new", "lock"];

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Where the sessions of a namespace are. Nothing of ours is ever put into Litestar's folder: its sweep stops at what
/// it cannot read.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    theirs: PathBuf,
    ours: PathBuf,
}

/// What we note of a session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Known {
    /// The name of Litestar's file; none if the session has ended.
    pub(super) file: Option<String>,
    pub(super) revision: u64,
    /// Of the data as we last wrote or saw it.
    pub(super) digest: String,
    pub(super) idle: u64,
    /// What stands in Litestar's file.
    pub(super) expires: Option<u64>,
    pub(super) absolute: Option<u64>,
    pub(super) record: String,
    pub(super) ended: Option<String>,
    /// That its file was not there any more, and whether it had expired. Whatever is there later is another.
    pub(super) over: Option<bool>,
    /// Whether it ended without its ID being known, so that no ID of this handle is taken.
    pub(super) any: bool,
    pub(super) forget_at: u64,
}

impl Known {
    /// Whether an end that Litestar moved is to be noted: one that is earlier, or later by a tenth of a lifetime, so that
    /// not every look waits for the disk.
    pub(super) fn needs(&self, expires: Option<u64>, max_age: Duration) -> bool {
        let tenth = u64::try_from(max_age.as_millis() / 10).unwrap_or(u64::MAX);
        match (self.expires, expires) {
            (Some(noted), Some(expires)) => expires < noted || expires - noted > tenth,
            (noted, expires) => noted != expires,
        }
    }

    /// What was noted of a session that has not ended.
    pub(super) fn record(&self) -> Result<Record, Failure> {
        let broken = || Error::new(ErrorKind::Corrupt, "what was noted of a session is broken");
        let bytes = BASE64URL_NOPAD.decode(self.record.as_bytes()).map_err(|_| broken())?;
        Ok(Record::from_bytes(&bytes, &Limits::default())?)
    }

    pub(super) fn with_record(self, record: &[u8]) -> Self {
        Self { record: BASE64URL_NOPAD.encode(record), ..self }
    }
}

/// The name that Litestar gives to the file of an ID.
pub(super) fn name(id: &SessionId) -> String {
    HEXLOWER.encode(&Blake2s256::digest(id.expose(IdFormat::Hex).as_bytes()))
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        let mut ours = path.file_name().map_or_else(|| OsString::from("sessions"), OsString::from);
        ours.push(".cloakroom");
        Self { theirs: path.to_owned(), ours: path.with_file_name(ours) }
    }

    pub(super) fn in_namespace(&self, name: &str) -> Self {
        Self { theirs: self.theirs.join(name), ours: self.ours.join("ns").join(name) }
    }

    /// Makes what is missing, to outlive a power cut; ours for this user alone.
    pub(super) fn make(&self) -> io::Result<()> {
        make_folder(&self.theirs, 0o777)?;
        PARTS.iter().try_for_each(|name| make_folder(&self.ours.join(name), 0o700))
    }

    /// Keeps everybody of ours away from a session. Litestar takes no locks.
    pub(super) fn lock(&self, key: SessionHandle) -> io::Result<Locked> {
        let all = self.open_lock("all", FlockOperation::LockShared)?;
        let stripe = (key.as_bytes()[0] % STRIPES).to_string();
        let one = self.open_lock(&stripe, FlockOperation::LockExclusive)?;
        Ok(Locked(all, Some(one)))
    }

    /// Keeps everybody of ours away from all sessions.
    pub(super) fn lock_all(&self) -> io::Result<Locked> {
        self.open_lock("all", FlockOperation::LockExclusive).map(|all| Locked(all, None))
    }

    fn open_lock(&self, name: &str, how: FlockOperation) -> io::Result<File> {
        let path = self.ours.join("lock").join(name);
        let open =
            || OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make()?;
                open()?
            }
            opened => opened?,
        };
        flock(&file, how)?;
        Ok(file)
    }

    /// What stands in a session file; `Ok(None)` without one, an empty envelope's absence as `Some(None)`.
    pub(super) fn session(&self, name: &str) -> io::Result<Option<Option<Envelope>>> {
        Ok(read(&self.theirs.join(name))?.map(|bytes| Envelope::read(&bytes)))
    }

    pub(super) fn put_session(&self, name: &str, envelope: &Envelope) -> io::Result<()> {
        self.replace(&self.theirs.join(name), &envelope.write())
    }

    pub(super) fn remove_session(&self, name: &str) -> io::Result<bool> {
        remove(&self.theirs.join(name))
    }

    /// Removes a session file if it is still expired at `now` when nobody can find it any more; otherwise it is put back,
    /// unless there is a newer one.
    pub(super) fn sweep_session(&self, name: &str, now: UnixMillis) -> io::Result<bool> {
        let (path, aside) = (self.theirs.join(name), self.new_path());
        fs::rename(&path, &aside)?;
        let found = read(&aside)?.and_then(|bytes| Envelope::read(&bytes));
        let is_expired = found.is_some_and(|found| found.expires_at.is_some_and(|at| at <= now));
        if !is_expired {
            let _ = fs::hard_link(&aside, &path);
        }
        remove(&aside)?;
        Ok(is_expired)
    }

    pub(super) fn known(&self, key: SessionHandle) -> io::Result<Option<Known>> {
        let bytes = read(&self.ours.join("known").join(key.to_string()))?;
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from)).transpose()
    }

    pub(super) fn put_known(&self, key: SessionHandle, known: &Known) -> io::Result<()> {
        let bytes = serde_json::to_vec(known).map_err(io::Error::from)?;
        self.replace(&self.ours.join("known").join(key.to_string()), &bytes)
    }

    /// Puts on the disk that sessions and IDs have ended, should a call have failed before it was.
    pub(super) fn sync_ends(&self) -> io::Result<()> {
        let sync = |name| none_if_missing(sync_folder(&self.ours.join(name))).map(drop);
        ["known", "old"].into_iter().try_for_each(sync)
    }

    pub(super) fn remove_known(&self, key: SessionHandle) -> io::Result<bool> {
        remove(&self.ours.join("known").join(key.to_string()))
    }

    /// Whether an ID has ended, as the name of its file says.
    pub(super) fn is_old(&self, name: &str) -> io::Result<bool> {
        self.ours.join("old").join(name).try_exists()
    }

    pub(super) fn mark_old(&self, name: &str, forget_at: UnixMillis) -> io::Result<()> {
        let text = forget_at.as_millis().to_string();
        self.replace(&self.ours.join("old").join(name), text.as_bytes())
    }

    pub(super) fn unmark_old(&self, name: &str) -> io::Result<bool> {
        remove(&self.ours.join("old").join(name))
    }

    /// When each ended ID may be forgotten.
    pub(super) fn old(&self) -> io::Result<Vec<(String, UnixMillis)>> {
        let mut all = Vec::new();
        for name in names(&self.ours.join("old"))? {
            let text = read(&self.ours.join("old").join(&name))?.unwrap_or_default();
            let at = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
            all.push((name, UnixMillis::from_millis(at.unwrap_or(0))));
        }
        Ok(all)
    }

    pub(super) fn all_known(&self) -> io::Result<Vec<SessionHandle>> {
        let names = names(&self.ours.join("known"))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The names of session files; what has another name is not ours to judge.
    pub(super) fn sessions(&self) -> io::Result<Vec<String>> {
        let mut names = names(&self.theirs)?;
        names.retain(|name| name.len() == 64 && HEXLOWER.decode(name.as_bytes()).is_ok());
        Ok(names)
    }

    fn new_path(&self) -> PathBuf {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        self.ours.join("new").join(format!("{}-{number}", std::process::id()))
    }

    /// Whole or not at all, and on the disk when it returns.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let new = self.new_path();
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        sync_file(&file, &new)?;
        fs::rename(&new, path)?;
        sync_parent(path)
    }
}

/// Makes a folder and those above it, unless they are there.
fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => sync_parent(path),
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => match path.parent().filter(|_| error.kind() == io::ErrorKind::NotFound) {
            Some(parent) => make_folder(parent, mode).and_then(|()| make_folder(path, mode)),
            None => Err(error),
        },
    }
}

/// Locks, held until it is dropped.
pub(super) struct Locked(#[allow(dead_code)] File, #[allow(dead_code)] Option<File>);

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    none_if_missing(fs::read(path))
}

fn remove(path: &Path) -> io::Result<bool> {
    Ok(none_if_missing(fs::remove_file(path))?.is_some())
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = none_if_missing(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    entries.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default())).collect()
}

fn none_if_missing<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b_090_a_file_has_the_name_that_litestar_gives_it() {
        let id = b"bcea19c8a866c3ee26046b25869856aa902e57fa854b04752d6e86957281bf32";
        let id = SessionId::parse(id, 32, IdFormat::Hex).unwrap();
        assert_eq!(name(&id), "21ffc26bf1b5ab9e10220cefa9c3daa5e26287725aa58f3ebe238060ba42584b");
    }

    #[test]
    fn folders_that_another_process_is_still_making_are_all_there_under_a_lock() {
        let id = SessionId::parse(&[b'a'; 64], 32, IdFormat::Hex).unwrap();
        for made in 0..=PARTS.len() {
            let root = tempfile::tempdir().unwrap();
            let folder = Folder::new(&root.path().join("kept"));
            for name in &PARTS[..made] {
                fs::create_dir_all(folder.ours.join(name)).unwrap();
            }
            let _locked = folder.lock(id.handle()).unwrap();
            folder.put_known(id.handle(), &Known::default()).unwrap();
            folder.mark_old("a", UnixMillis::MAX).unwrap();
        }
    }

    /// Better: what a sweep found expired, and somebody wrote again since, is put back.
    #[test]
    fn b_055_a_sweep_looks_again_at_what_it_took_away() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(&root.path().join("kept"));
        folder.make().unwrap();
        let of = |expires| Envelope {
            expires_at: Some(UnixMillis::from_millis(expires)),
            data: b"{}".to_vec(),
        };
        for (expires, swept) in [(1000, true), (1001, false)] {
            folder.put_session("a", &of(expires)).unwrap();
            assert_eq!(folder.sweep_session("a", UnixMillis::from_millis(1000)).unwrap(), swept);
            assert_eq!(folder.session("a").unwrap().is_none(), swept);
            assert!(names(&root.path().join("kept.cloakroom/new")).unwrap().is_empty());
        }
    }
}
