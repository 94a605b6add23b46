//! A power cut: what was not synced is not there afterwards.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Failure, FileStore};
use crate::id::{IdFormat, SessionId};
use crate::record::{DataBuilder, Encoding, Record, RecordParts, Revision};
use crate::store::{Created, Ended, Lookup, Renewal, Updated};
use crate::time::UnixMillis;

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
const MAX_AGE: Duration = Duration::from_secs(100);

thread_local! {
    static DISK: RefCell<Disk> = RefCell::default();
}

/// What is on the disk of whatever this thread has done.
#[derive(Default)]
struct Disk {
    /// The content of each file as it was synced. Kept open, so that no other file gets its number.
    files: HashMap<u64, (File, Vec<u8>)>,
    /// The names in each folder as it was synced, with the numbers of what they are of.
    folders: HashMap<PathBuf, Vec<(OsString, u64, bool)>>,
    /// After how many folders no more can be synced.
    breaks_after: Option<usize>,
}

pub(super) fn file_is_synced(path: &Path) {
    let file = File::open(path).unwrap();
    let (number, bytes) = (file.metadata().unwrap().ino(), fs::read(path).unwrap());
    DISK.with_borrow_mut(|disk| disk.files.insert(number, (file, bytes)));
}

pub(super) fn folder_is_synced(path: &Path) {
    let entries = fs::read_dir(path).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        (entry.file_name(), metadata.ino(), metadata.is_dir())
    });
    let entries = entries.collect();
    DISK.with_borrow_mut(|disk| disk.folders.insert(path.to_owned(), entries));
}

pub(super) fn fail_if_broken() -> io::Result<()> {
    DISK.with_borrow_mut(|disk| match &mut disk.breaks_after {
        None => Ok(()),
        Some(0) => Err(io::Error::other("a test")),
        Some(left) => {
            *left -= 1;
            Ok(())
        }
    })
}

impl Disk {
    /// Makes a folder of what was synced in another.
    fn restore(&self, from: &Path, to: &Path) {
        for (name, number, is_folder) in self.folders.get(from).into_iter().flatten() {
            if *is_folder {
                fs::create_dir(to.join(name)).unwrap();
                self.restore(&from.join(name), &to.join(name));
            } else {
                let synced = self.files.get(number).map_or(&[][..], |(_, bytes)| bytes);
                fs::write(to.join(name), synced).unwrap();
            }
        }
    }
}

fn id(secret: char) -> SessionId {
    let text = "a".repeat(32) + &secret.to_string().repeat(32);
    SessionId::parse(text.as_bytes(), 32, IdFormat::Hex).unwrap()
}

fn record(revision: u64, id: &SessionId) -> Record {
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("n", &revision).unwrap();
    Record::from(RecordParts::new(
        data.build(),
        id.secret_hash(),
        Revision::from_u64(revision),
        NOW,
        MAX_AGE,
    ))
}

fn done<T>(outcome: Result<T, Failure>) -> T {
    outcome.unwrap_or_else(|_| panic!("it works"))
}

/// What is found under an ID: the revision and the idle deadline.
fn found(store: &FileStore, id: &SessionId) -> Option<(u64, UnixMillis)> {
    match done(store.find(id.handle(), Some(id), None, NOW)) {
        // Which ID opens it is for the backend to compare.
        Lookup::Live(record) if record.secret_hash() == id.secret_hash() => {
            Some((record.revision().as_u64(), record.idle_deadline()))
        }
        _ => None,
    }
}

#[test]
fn s_093_what_was_acknowledged_in_a_shared_folder_outlives_a_power_cut() {
    let (first, second) = (id('b'), id('c'));
    let (key, expected) = (first.handle(), Revision::from_u64(1));
    let later = NOW.plus(Duration::from_secs(50));
    let replace = |store: &FileStore, id: &SessionId, next: Record| {
        assert_eq!(done(store.replace(key, Some(id), &next, expected, NOW)), Updated::Updated);
    };
    let renewal = Renewal::new(first.secret_hash(), Some(Duration::ZERO));
    type Change<'a> = (&'a str, Box<dyn Fn(&FileStore) + 'a>, [Option<(u64, UnixMillis)>; 2]);
    let ends = NOW.plus(MAX_AGE);
    let changes: [Change<'_>; 8] = [
        ("create", Box::new(|_| ()), [Some((1, ends)), None]),
        ("update", Box::new(|it| replace(it, &first, record(2, &first))), [Some((2, ends)), None]),
        (
            "another ID",
            Box::new(|it| replace(it, &second, record(2, &second))),
            [None, Some((2, ends))],
        ),
        (
            "renewal",
            Box::new(|it| drop(done(it.find(key, Some(&first), Some(&renewal), later)))),
            [Some((1, later.plus(MAX_AGE))), None],
        ),
        (
            "touch",
            Box::new(|it| assert!(done(it.renew(key, later, NOW)))),
            [Some((1, later)), None],
        ),
        ("end", Box::new(|it| assert!(done(it.end(key, Ended::Revoked, NOW)))), [None, None]),
        (
            "emptied",
            Box::new(|it| replace(it, &first, record(2, &first).with_idle_deadline(NOW))),
            [None, None],
        ),
        ("clear", Box::new(|it| assert_eq!(done(it.clear(NOW)), 1)), [None, None]),
    ];
    for (name, change, expected) in changes {
        let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        DISK.set(Disk::default());
        let store = FileStore::new(before.path().join("kept"));
        let made = done(store.make(&first, &record(1, &first), NOW));
        assert_eq!(made, Created::Created);
        change(&store);
        DISK.with_borrow(|disk| disk.restore(before.path(), after.path()));
        let store = FileStore::new(after.path().join("kept"));
        assert_eq!([&first, &second].map(|id| found(&store, id)), expected, "{name}");
    }
}

/// By the handle, and as whoever signs out everywhere again has it.
#[test]
fn s_093_an_end_in_a_shared_folder_that_is_repeated_is_confirmed_or_fails_again() {
    let first = id('b');
    let key = first.handle();
    for folders in 0.. {
        let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        DISK.set(Disk::default());
        let store = FileStore::new(before.path().join("kept"));
        let _ = done(store.make(&first, &record(1, &first), NOW));
        let break_after = |folders| DISK.with_borrow_mut(|disk| disk.breaks_after = folders);
        break_after(Some(folders));
        if store.end(key, Ended::Revoked, NOW).is_ok() {
            assert!(folders >= 2, "the end, and that its ID is of no use");
            return;
        }
        assert!(store.end(key, Ended::Revoked, NOW).is_err(), "after {folders} folders");
        assert!(store.confirm().is_err(), "after {folders} folders");
        break_after(None);
        done(store.end(key, Ended::Revoked, NOW));
        DISK.with_borrow(|disk| disk.restore(before.path(), after.path()));
        let store = FileStore::new(after.path().join("kept"));
        assert_eq!(found(&store, &first), None, "after {folders} folders");
    }
}
