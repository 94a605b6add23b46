//! What only this crate can ask, of its disk and of its locks.

mod calls;
mod steps;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::disk::{Disk, Fault, Hook, Step};
use super::*;
use crate::error::ErrorKind;
use crate::id::SecretHash;
use crate::record::{DataBuilder, Encoding, RecordParts};

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
const MAX_AGE: Duration = Duration::from_secs(100);
const KEY: SessionHandle = SessionHandle::from_bytes([1; 16]);

fn record(revision: u64, subject: &str) -> Record {
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("n", &revision).unwrap();
    let hash = SecretHash::from_bytes([7; 32]);
    Record::from(RecordParts {
        subject: Some(subject.into()),
        ..RecordParts::new(data.build(), hash, Revision::from_u64(revision), NOW, MAX_AGE)
    })
}

fn open_with(path: &Path, hook: Option<Box<Hook>>) -> FileStore {
    let disk = Disk::default();
    if let Some(hook) = hook {
        assert!(disk.hook.set(hook).is_ok());
    }
    let root = root::open(path, disk).unwrap();
    FileStore::new(root, Gates::new(Duration::from_secs(60)), Duration::from_secs(60))
}

/// What is there under the key, to a store that knows nothing of what was before.
async fn found(path: &Path) -> Option<Record> {
    match open_with(path, None).load(KEY, None, NOW).await.unwrap() {
        Lookup::Live(record) => Some(record),
        Lookup::Absent(_) => None,
    }
}

/// The calls that change something, beginning with revision 1 of `ada`, except that a create begins with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Create,
    Update,
    Touch,
    Renew,
    Delete,
    Expire,
    Sweep,
}

impl Change {
    const ALL: [Self; 7] = [
        Self::Create,
        Self::Update,
        Self::Touch,
        Self::Renew,
        Self::Delete,
        Self::Expire,
        Self::Sweep,
    ];

    async fn prepare(self, store: &FileStore) {
        if self != Self::Create {
            let made = store.create(KEY, record(1, "ada"), NOW).await.unwrap();
            assert_eq!(made, Created::Created);
        }
    }

    async fn run(self, store: &FileStore) -> Result<()> {
        let expected = Revision::from_u64(1);
        match self {
            Self::Create => {
                let _ = store.create(KEY, record(2, "bob"), NOW).await?;
            }
            Self::Update => {
                let _ = store.update(KEY, record(2, "bob"), expected, NOW).await?;
            }
            Self::Touch => {
                store.touch(KEY, NOW.plus(MAX_AGE * 2), NOW).await?;
            }
            Self::Renew => {
                let every = Some(Duration::ZERO);
                let renewal = Renewal::new(SecretHash::from_bytes([7; 32]), every);
                let later = NOW.plus(Duration::from_secs(1));
                drop(store.load(KEY, Some(&renewal), later).await?);
            }
            Self::Delete => {
                store.delete(KEY, Ended::Destroyed, NOW).await?;
            }
            Self::Expire => {
                let over = record(2, "ada").with_idle_deadline(NOW);
                let _ = store.update(KEY, over, expected, NOW).await?;
            }
            Self::Sweep => {
                store.delete_expired(9, NOW.plus(MAX_AGE)).await?;
            }
        }
        Ok(())
    }

    /// A sweep looks for hundreds of folders that are not there, one like the other.
    fn ignores(self, step: Step) -> bool {
        self == Self::Sweep && step == Step::OpenFolder
    }

    fn before(self) -> Option<Record> {
        (self != Self::Create).then(|| record(1, "ada"))
    }

    fn after(self) -> Option<Record> {
        match self {
            Self::Create | Self::Update => Some(record(2, "bob")),
            Self::Touch => Some(record(1, "ada").with_idle_deadline(NOW.plus(MAX_AGE * 2))),
            Self::Renew => {
                let later = NOW.plus(Duration::from_secs(1));
                Some(record(1, "ada").with_idle_deadline(later.plus(MAX_AGE)))
            }
            Self::Delete | Self::Expire | Self::Sweep => None,
        }
    }

    /// All of it happened, or nothing; the index has every session; whoever comes next can go on.
    async fn check(self, path: &Path, acknowledged: bool, context: &str) {
        let bytes = |record: Option<Record>| record.map(|record| record.to_bytes());
        let now = found(path).await;
        let found = bytes(now.clone());
        let (before, after) = (bytes(self.before()), bytes(self.after()));
        if acknowledged {
            assert!(found == after, "{self:?} {context}: acknowledged, and not there: {now:?}");
        } else {
            assert!(found == before || found == after, "{self:?} {context}: {now:?}");
        }
        let store = open_with(path, None);
        for subject in ["ada", "bob"] {
            let listed = store.by_subject(subject, NOW).await.unwrap().len();
            let is_theirs = now.as_ref().and_then(Record::subject) == Some(subject);
            assert_eq!(listed, usize::from(is_theirs), "{self:?} {context}");
        }
        // And what was left on the way goes with the next sweep.
        let _ = store.delete(KEY, Ended::Destroyed, NOW).await.unwrap();
        let next = store.create(KEY, record(3, "eve"), NOW).await.unwrap();
        assert_eq!(next, Created::Created);
        assert_eq!(store.delete_expired(9, NOW.plus(MAX_AGE)).await.unwrap(), 1);
        let left = std::fs::read_dir(path.join("sessions/0/1")).unwrap().count();
        assert_eq!(left, 0, "{self:?} {context}");
    }
}

fn fresh(folder: &tempfile::TempDir, name: impl std::fmt::Display) -> PathBuf {
    folder.path().join(name.to_string())
}
