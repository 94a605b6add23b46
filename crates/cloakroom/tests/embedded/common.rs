//! Stores in folders of their own, and records to put into them.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::store::{Created, Lookup};
use cloakroom::{
    DataBuilder, Encoding, Record, RecordParts, Revision, SecretHash, SessionHandle, Store,
    UnixMillis,
};

use crate::{Embedded, EmbeddedBuilder};

/// The moment of every test.
pub(crate) const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
/// The idle timeout of every record.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(100);
/// The hash of every secret.
pub(crate) const HASH: SecretHash = SecretHash::from_bytes([7; 32]);

/// A store in a new place, more patient than a visitor: what is tested here is not how busy the machine is.
pub(crate) async fn fresh() -> Embedded {
    patient().open(fresh_path()).await.expect("it opens")
}

pub(crate) fn patient() -> EmbeddedBuilder {
    Embedded::builder().with_timeout(Duration::from_secs(60))
}

/// A path where nothing is yet. It stays until the tests run again.
pub(crate) fn fresh_path() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
        for old in std::fs::read_dir(all).expect("a folder").flatten() {
            let name = old.file_name();
            let process =
                name.to_str().and_then(|name| name.strip_prefix(crate::NAME)?.strip_prefix('-'));
            if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
                let _ = std::fs::remove_dir_all(old.path());
            }
        }
        let folder = all.join(format!("{}-{}", crate::NAME, std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    });
    static FILES: AtomicU64 = AtomicU64::new(0);
    FOLDER.join(format!("{}.db", FILES.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn handle(n: u64) -> SessionHandle {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    SessionHandle::from_bytes(bytes)
}

pub(crate) fn parts(n: u64) -> RecordParts {
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("n", &n).expect("a number is JSON");
    RecordParts::new(data.build(), HASH, Revision::from_u64(rand_revision()), NOW, MAX_AGE)
}

pub(crate) fn record(n: u64) -> Record {
    parts(n).into()
}

/// Different in every process, as a commit chooses it.
fn rand_revision() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// The live record under a handle.
pub(crate) async fn live(store: &impl Store, n: u64) -> Option<Record> {
    match store.load(handle(n), None, NOW).await.expect("a load works") {
        Lookup::Live(record) => Some(record),
        Lookup::Absent(_) => None,
    }
}

/// Puts a session there that was not there before.
pub(crate) async fn create(store: &impl Store, n: u64) -> Record {
    let made = record(n);
    let outcome = store.create(handle(n), made.clone(), NOW).await.expect("a create works");
    assert_eq!(outcome, Created::Created);
    made
}

/// Polls a future once, so that its call waits for its thread; `None` if it is not done.
pub(crate) fn begin<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
