//! What only this crate can ask: each step towards the disk fails, is cut short, or is the last of a process.

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
    Record::from(RecordParts {
        data: data.build(),
        secret_hash: SecretHash::from_bytes([7; 32]),
        revision: Revision::from_u64(revision),
        created_at: NOW,
        idle_deadline: NOW.plus(MAX_AGE),
        max_age: MAX_AGE,
        absolute_deadline: None,
        authenticated_at: None,
        secret_since: NOW,
        previous_secret: None,
        subject: Some(subject.into()),
        labels: std::collections::BTreeMap::new(),
        browser_session: false,
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

#[tokio::test]
async fn s_093_each_step_fails_and_the_old_or_the_new_is_there() {
    // In memory if there is such a place: a thousand stores would wait for the disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let faults = [Fault::Fail(Errno::NOSPC), Fault::Fail(Errno::IO), Fault::Short(Errno::NOSPC)];
    let mut seen: HashMap<Step, usize> = HashMap::new();
    for change in Change::ALL {
        for (number, fault) in faults.into_iter().enumerate() {
            // Once with every step failing after the first that does, as on a disk that is gone.
            for for_good in [false, true] {
                if for_good && number != 1 {
                    continue;
                }
                for at in 0.. {
                    let path = fresh(&folder, format_args!("{change:?}-{number}-{for_good}-{at}"));
                    let armed = Arc::new(AtomicBool::new(false));
                    let steps = Arc::new(AtomicUsize::new(0));
                    let last = Arc::new(Mutex::new(None));
                    let (on, count, which) = (armed.clone(), steps.clone(), last.clone());
                    let store = open_with(
                        &path,
                        Some(Box::new(move |step| {
                            if !on.load(Ordering::SeqCst) || change.ignores(step) {
                                return None;
                            }
                            let this = count.fetch_add(1, Ordering::SeqCst);
                            if this == at {
                                *which.lock().unwrap() = Some(step);
                            }
                            (this == at || for_good && this > at).then_some(fault)
                        })),
                    );
                    change.prepare(&store).await;
                    armed.store(true, Ordering::SeqCst);
                    let outcome = change.run(&store).await;
                    armed.store(false, Ordering::SeqCst);
                    let step = *last.lock().unwrap();
                    if let Err(error) = &outcome {
                        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                        assert!(!format!("{error:?}").contains("sessions/"), "no path");
                    }
                    let context = format!("{fault:?} at step {at}, {step:?}, {for_good}");
                    change.check(&path, outcome.is_ok(), &context).await;
                    let Some(step) = step else { break };
                    *seen.entry(step).or_default() += 1;
                }
            }
        }
    }
    for step in [
        Step::OpenFolder,
        Step::MakeFolder,
        Step::Lock,
        Step::List,
        Step::OpenFile,
        Step::Read,
        Step::Create,
        Step::SetMode,
        Step::Write,
        Step::SyncFile,
        Step::Rename,
        Step::SyncFolder,
        Step::Unlink,
    ] {
        assert!(seen.contains_key(&step), "{step:?} was never reached");
    }
}

const CHILD: &str = "CLOAKROOM_TEST_FILE_KILLED";

/// A process that stands still at a step, to be killed there; nothing where this is an ordinary test.
#[tokio::test]
async fn killed() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let [change, at, path] = task.splitn(3, ':').collect::<Vec<_>>()[..] else { panic!("{task}") };
    let change = Change::ALL[change.parse::<usize>().unwrap()];
    let at: usize = at.parse().unwrap();
    let (steps, armed) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let on = armed.clone();
    let hook = move |step| {
        if on.load(Ordering::SeqCst)
            && !change.ignores(step)
            && steps.fetch_add(1, Ordering::SeqCst) == at
        {
            writeln!(std::io::stdout(), "\nreached").unwrap();
            loop {
                std::thread::park();
            }
        }
        None
    };
    let store = open_with(Path::new(path), Some(Box::new(hook)));
    change.prepare(&store).await;
    armed.store(true, Ordering::SeqCst);
    change.run(&store).await.unwrap();
    writeln!(std::io::stdout(), "\nacknowledged").unwrap();
}

#[tokio::test]
async fn s_093_killed_at_each_step_the_old_or_the_new_is_there() {
    let folder = tempfile::tempdir().unwrap();
    for (number, change) in Change::ALL.into_iter().enumerate() {
        for at in 0.. {
            let path = fresh(&folder, format_args!("{number}-{at}"));
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["store::file::tests::killed", "--exact", "--nocapture"])
                .env(CHILD, format!("{number}:{at}:{}", path.display()))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines =
                BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            let said =
                lines.find(|line| ["reached", "acknowledged"].contains(&line.as_str())).unwrap();
            // SIGKILL: nothing is cleaned up.
            child.kill().unwrap();
            child.wait().unwrap();
            let acknowledged = said == "acknowledged";
            change.check(&path, acknowledged, &format!("killed at step {at}")).await;
            if acknowledged {
                break;
            }
        }
    }
}

#[tokio::test]
async fn s_093_files_and_folders_are_synced_before_a_change_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    for change in Change::ALL {
        let path = fresh(&folder, format_args!("{change:?}"));
        let steps = Arc::new(Mutex::new(Vec::new()));
        let log = steps.clone();
        let store = open_with(
            &path,
            Some(Box::new(move |step| {
                log.lock().unwrap().push(step);
                None
            })),
        );
        change.prepare(&store).await;
        steps.lock().unwrap().clear();
        change.run(&store).await.unwrap();
        let steps = steps.lock().unwrap();
        if change == Change::Sweep {
            continue;
        }
        let renamed = steps.iter().position(|&step| step == Step::Rename).unwrap();
        assert_eq!(steps[renamed - 1], Step::SyncFile, "{change:?}");
        assert_eq!(steps[renamed + 1], Step::SyncFolder, "{change:?}");
        assert_eq!(steps.iter().filter(|&&step| step == Step::Rename).count(), 1);
    }
}

/// A list takes what has ended out of the index, by which whoever repeats the end finds it.
#[tokio::test]
async fn s_093_an_end_that_the_disk_did_not_confirm_is_confirmed_before_a_list_forgets_it() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, synced) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_broken, count) = (broken.clone(), synced.clone());
    let hook = move |step| {
        if step != Step::SyncFolder {
            return None;
        }
        count.fetch_add(1, Ordering::SeqCst);
        is_broken.load(Ordering::SeqCst).then_some(Fault::Fail(Errno::IO))
    };
    let store = open_with(&fresh(&folder, "a"), Some(Box::new(hook)));
    Change::Delete.prepare(&store).await;
    broken.store(true, Ordering::SeqCst);
    Change::Delete.run(&store).await.unwrap_err();
    for _ in 0..2 {
        let error = store.by_subject("ada", NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    broken.store(false, Ordering::SeqCst);
    let before = synced.load(Ordering::SeqCst);
    assert!(store.by_subject("ada", NOW).await.unwrap().is_empty());
    assert!(synced.load(Ordering::SeqCst) > before);
}

/// A process that stops with a folder's lock costs those who wait their time and nothing else.
#[tokio::test]
async fn a_call_that_waits_for_a_lock_in_vain_has_changed_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = fresh(&folder, "a");
    let other = open_with(&path, None);
    Change::Update.prepare(&other).await;
    let held = other.namespace.lock(names::leaf(KEY)).unwrap().unwrap();
    let root = root::open(&path, Disk::default()).unwrap();
    let gates = Gates::new(Duration::from_millis(20));
    let store = FileStore::new(root, gates, Duration::ZERO);
    for _ in 0..3 {
        let error = Change::Update.run(&store).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("nothing was changed"), "{error}");
    }
    // Reads wait for no lock.
    assert_eq!(found(&path).await.unwrap().revision(), Revision::from_u64(1));
    drop(held);
    // Behind them in the row.
    let _ = store.shared.gates.write(names::leaf(KEY), IfDropped::Finish, |_| Ok(())).await;
    assert_eq!(found(&path).await.unwrap().revision(), Revision::from_u64(1));
}

#[tokio::test]
async fn a_panic_costs_a_call_its_answer_and_the_store_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(&fresh(&folder, "a"), None);
    let write = store
        .shared
        .gates
        .write(1, IfDropped::Skip, |_| -> Result<(), Failure> { panic!("in a test") });
    assert_eq!(write.await.unwrap_err().kind(), ErrorKind::Unavailable);
    let read = store.read(|| -> Result<(), Failure> { panic!("in a test") });
    assert_eq!(read.await.unwrap_err().kind(), ErrorKind::Unavailable);
    Change::Update.prepare(&store).await;
    Change::Update.run(&store).await.unwrap();
}

#[tokio::test]
async fn s_091_no_cookie_that_is_no_id_makes_a_system_call() {
    let folder = tempfile::tempdir().unwrap();
    let steps = Arc::new(AtomicUsize::new(0));
    let count = steps.clone();
    let store = open_with(
        &fresh(&folder, "a"),
        Some(Box::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            None
        })),
    );
    let config = crate::ServerSideSessionConfig::default();
    let backend = crate::ServerSideSessionBackend::new(store, config).unwrap();
    let session = backend.load_from_connection([]).await.unwrap();
    session.insert("k", &1).unwrap();
    let (headers, outcome) = backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    let cookie = headers.set_cookie.unwrap();
    let (name, rest) = cookie.split_once('=').unwrap();
    let right = rest.split(';').next().unwrap();
    steps.store(0, Ordering::SeqCst);
    for id in ["../../etc/passwd", "..", ".", "/", "%2e%2e%2f", "\0", "a/b", "", "~", "C:\\x"] {
        for id in [id.to_owned(), format!("{id}{}", &right[id.len().min(right.len())..])] {
            if id != right {
                let header = format!("{name}={id}");
                drop(backend.load_from_connection([header.as_bytes()]).await);
            }
        }
    }
    assert_eq!(steps.load(Ordering::SeqCst), 0);
    let header = format!("{name}={right}");
    assert!(backend.load_from_connection([header.as_bytes()]).await.unwrap().exists());
    assert!(steps.load(Ordering::SeqCst) > 0);
}
