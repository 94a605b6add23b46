//! B.8 and B.11: the folder that is shared.

use std::path::{Path, PathBuf};

use cloakroom::store::litestar::FileStore;
use cloakroom::{Clock, ErrorKind, Store};

use crate::small_disk::SmallDisk;
use crate::stores::Process;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

/// What the other side writes: an end, in whole seconds, and data.
fn envelope(seconds: u32, data: &str) -> Vec<u8> {
    let mut bytes = b"\x82\xaaexpires_at\xd6\xff".to_vec();
    bytes.extend(seconds.to_be_bytes());
    bytes.extend(b"\xa4data\xc4");
    bytes.push(u8::try_from(data.len()).unwrap());
    bytes.extend(data.as_bytes());
    bytes
}

/// Better: reading removes nothing; a sweep looks again at what nobody can find any more, and puts it back if it is fresh.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_055_what_is_written_over_an_expired_session_stays() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let store = FileStore::new(&kept);
    let process = Process::on(store.clone());
    let cookie = process.insert("", "a", 1).await;
    let file = files(&kept).remove(0);
    let now = process.clock.now();
    let second = u32::try_from(now.as_millis() / 1000).unwrap();
    let write = |seconds| {
        let new = folder.path().join("new");
        std::fs::write(&new, envelope(seconds, r#"{"a":2}"#)).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    for _ in 0..200 {
        write(second - 1);
        assert!(!process.load(&cookie).await.exists());
        assert!(file.exists(), "reading leaves it to the sweep");
        let sweep = tokio::spawn({
            let store = store.clone();
            async move { store.delete_expired(10, now).await }
        });
        write(second + 1000);
        sweep.await.unwrap().unwrap();
        assert!(file.exists(), "the fresh one");
    }
}

/// Better: a write that did not happen is an error: 503, no cookie, and what was there before is there still.
#[tokio::test]
async fn b_091_a_write_that_fails_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let process = Process::on(FileStore::new(&kept));
    let cookie = process.insert("", "a", 1).await;
    // No new file can be made there any more, whoever this user is.
    let new = folder.path().join("kept.cloakroom/new");
    std::fs::remove_dir_all(&new).unwrap();
    std::fs::write(&new, "").unwrap();
    let session = process.load(&cookie).await;
    session.insert("a", &2).unwrap();
    let (headers, outcome) = process.backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(headers.set_cookie, None);
    assert_eq!(process.load(&cookie).await.get::<u32>("a").unwrap(), Some(1));
    std::fs::remove_file(&new).unwrap();
    std::fs::create_dir(&new).unwrap();

    // Something else in the place of the file.
    let file = files(&kept).remove(0);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let error = process.backend.load_from_connection([cookie.as_bytes()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// Better: a new version takes the place of the old one when it is whole and on the disk, or not at all; there is no
/// half of a session to read.
#[tokio::test]
async fn b_092_a_full_disk_leaves_the_old_version() {
    let Some(disk) = SmallDisk::mount() else { return };
    let kept = disk.path().join("kept");
    let process = Process::on(FileStore::new(&kept));
    let cookie = process.insert("", "a", 1).await;
    let ballast = disk.path().join("ballast");
    let _ = std::fs::write(&ballast, vec![0; 4_000_000]);
    let session = process.load(&cookie).await;
    session.insert("long", &"x".repeat(10_000)).unwrap();
    let (headers, outcome) = process.backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(headers.set_cookie, None);
    let session = process.load(&cookie).await;
    assert_eq!((session.get::<u32>("a").unwrap(), session.len()), (Some(1), 1));
    assert_eq!(files(&kept).len(), 1, "nothing of ours in the folder");
    std::fs::remove_file(&ballast).unwrap();
    let session = process.load(&cookie).await;
    session.insert("long", &"x".repeat(10_000)).unwrap();
    process.backend.store_in_message(&session, 200).await.1.unwrap();
    assert_eq!(process.load(&cookie).await.len(), 2);
}

/// Better: folders that are missing are made, above and below, of a namespace too; and made again if they are removed.
#[tokio::test]
async fn b_093_missing_folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("a/b/kept");
    let root = FileStore::new(&kept);
    for store in [root.with_namespace("sessions").unwrap(), root] {
        let process = Process::on(store);
        let cookie = process.insert("", "a", 1).await;
        assert!(process.load(&cookie).await.exists());
    }
    assert!(kept.join("sessions").is_dir());
    std::fs::remove_dir_all(folder.path().join("a")).unwrap();
    let process = Process::on(FileStore::new(&kept));
    assert!(!process.load("").await.exists());
    let cookie = process.insert("", "a", 1).await;
    assert!(process.load(&cookie).await.exists());
}
