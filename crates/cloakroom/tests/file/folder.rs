//! The folder: its rights, its names, and folders that are refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use cloakroom::store::{Directory, Ended, FileStore, Lookup, Store};
use cloakroom::{Error, ErrorKind, IdFormat, RecordParts, SessionId};

use crate::common::{NOW, create, fresh_path, handle, live, parts};

/// All files below a folder, links among them.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// The file of a session.
pub(crate) fn file(store: &Path, n: u64) -> PathBuf {
    let name = handle(n).to_string();
    store.join("sessions").join(&name[..1]).join(&name[1..2]).join(name)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn check_modes(path: &Path) {
    assert_eq!(mode(path), 0o700, "{}", path.display());
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            check_modes(&entry.path());
        } else {
            assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn s_092_all_is_its_owners_alone_whatever_the_umask() {
    if let Ok(path) = std::env::var("CLOAKROOM_TEST_FILE_UMASK") {
        let store = FileStore::open(path).await.unwrap().with_namespace("shop");
        let made = RecordParts { subject: Some("ada".into()), ..parts(1) };
        let _ = store.create(handle(1), made.into(), NOW).await.unwrap();
        create(&store, 2).await;
        assert!(store.delete(handle(2), Ended::Destroyed, NOW).await.unwrap());
        return;
    }
    for umask in ["000", "022", "777"] {
        let path = fresh_path();
        let program = std::env::current_exe().unwrap();
        let test = "folder::s_092_all_is_its_owners_alone_whatever_the_umask";
        let command = format!("umask {umask} && exec \"$0\" --exact {test}");
        let mut child = Command::new("sh");
        child.args(["-c", &command]).arg(program).env("CLOAKROOM_TEST_FILE_UMASK", &path);
        assert!(child.output().unwrap().status.success(), "umask {umask}");
        check_modes(&path);
        assert_eq!(files(&path).len(), 4);
    }
}

async fn refusal(path: &Path) -> Error {
    let error = FileStore::open(path).await.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains(path.file_name().unwrap().to_str().unwrap()), "{told}");
    error
}

#[tokio::test]
async fn s_092_a_folder_that_others_could_have_prepared_is_refused() {
    let path = fresh_path();
    drop(FileStore::open(&path).await.unwrap());
    for wide in [0o770, 0o720, 0o702, 0o777, 0o1777] {
        fs::set_permissions(&path, Permissions::from_mode(wide)).unwrap();
        let error = refusal(&path).await;
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("0700"), "{error}");
        assert_eq!(mode(&path), wide, "it is left as it is");
    }
    // Readable alone: nobody put anything there.
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    drop(FileStore::open(&path).await.unwrap());
    assert_eq!(mode(&path), 0o700);

    let link = fresh_path();
    symlink(&path, &link).unwrap();
    assert!(refusal(&link).await.to_string().contains("a link"));
    // A slash at the end follows the link, if one lets it.
    let error = FileStore::open(format!("{}/", link.display())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let dangling = fresh_path();
    symlink("/nonexistent/folder", &dangling).unwrap();
    assert!(refusal(&dangling).await.to_string().contains("a link"));
}

#[tokio::test]
async fn s_092_a_folder_of_another_user_is_refused() {
    let path = fresh_path();
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
        println!("skipped: this user may not give folders away");
        return;
    }
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("another user"), "{error}");
}

#[tokio::test]
async fn s_092_a_folder_in_a_shared_one_is_refused() {
    let shared = fresh_path();
    for wide in [0o777, 0o1777] {
        fs::create_dir_all(shared.join("below")).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(wide)).unwrap();
        let error = FileStore::open(shared.join("sessions")).await.unwrap_err();
        assert!(error.to_string().contains("/tmp"), "{error}");
        assert!(!shared.join("sessions").exists());
        // Further up only where others may put another in its place.
        let deeper = FileStore::open(shared.join("below").join("sessions")).await;
        assert_eq!(deeper.is_ok(), wide == 0o1777);
    }
}

#[tokio::test]
async fn a_folder_that_holds_something_else_is_left_alone() {
    let path = fresh_path();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("diary"), "dear").unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("something else"), "{error}");
    assert_eq!(files(&path).len(), 1);

    let path = fresh_path();
    fs::write(&path, "a file").unwrap();
    assert!(refusal(&path).await.to_string().contains("a file"));

    let path = fresh_path();
    drop(FileStore::open(&path).await.unwrap());
    fs::write(path.join("cloakroom"), "cloakroom file store 2\n").unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("update the program"), "{error}");

    let missing = fresh_path().join("no-such-folder").join("sessions");
    let error = refusal(&missing).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("does not exist"), "{error}");
    for path in ["", "/", "x/.."] {
        assert!(FileStore::open(path).await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_folder_that_is_removed_signs_nobody_out() {
    let path = fresh_path();
    let store = FileStore::open(&path).await.unwrap();
    create(&store, 1).await;
    fs::remove_dir_all(&path).unwrap();
    let error = store.load(handle(1), None, NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("removed"), "{error}");
    assert!(store.create(handle(2), parts(2).into(), NOW).await.is_err());
}

#[tokio::test]
async fn s_091_s_095_names_come_from_handles_alone() {
    let path = fresh_path();
    let store = FileStore::open(&path).await.unwrap();
    create(&store, 1).await;
    assert!(file(&path, 1).is_file());
    // What a browser sends becomes a handle or nothing, so that no name can hold any of it.
    for hostile in ["../../etc/passwd", "..", "a/b", "\0", "%2e%2e", "x\n", "/"] {
        let padded = format!("{hostile:A<43}");
        let id = SessionId::parse(padded.as_bytes(), 32, IdFormat::Base64Url);
        assert!(id.is_none(), "{hostile}");
        assert!(SessionId::parse(hostile.as_bytes(), 32, IdFormat::Base64Url).is_none());
    }
    let made = RecordParts { subject: Some("../../ada".into()), ..parts(2) };
    let _ = store.create(handle(2), made.into(), NOW).await.unwrap();
    for file in files(&path) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let is_hex = name.len() == 32
            && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        assert!(is_hex || name == "cloakroom", "{name}");
    }
}

#[tokio::test]
async fn s_087_a_file_that_is_cut_or_changed_is_no_session() {
    let path = fresh_path();
    let store = FileStore::open(&path).await.unwrap();
    let made = create(&store, 1).await.to_bytes();
    create(&store, 2).await;
    let file = file(&path, 1);
    let check = async |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let error = store.load(handle(1), None, NOW).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    };
    for len in 0..made.len() {
        check(&made[..len]).await;
    }
    for bit in 0..made.len() * 8 {
        let mut changed = made.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        check(&changed).await;
    }
    // It hides no other, and can be ended.
    let page = store.page(None, 9, NOW).await.unwrap();
    assert_eq!(page.iter().map(|found| found.0).collect::<Vec<_>>(), [handle(2)]);
    assert!(store.delete(handle(1), Ended::Revoked, NOW).await.unwrap());
    let found = store.load(handle(1), None, NOW).await.unwrap();
    assert!(matches!(found, Lookup::Absent(Some(Ended::Revoked))));
}

#[test]
fn a_store_outlives_the_runtime_that_opened_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let store = runtime().block_on(FileStore::open(fresh_path())).unwrap();
    runtime().block_on(async { create(&store, 1).await });
    assert!(runtime().block_on(live(&store, 1)).is_some());
}
