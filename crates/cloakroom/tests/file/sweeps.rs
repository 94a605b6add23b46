//! What a sweep removes, and what it leaves alone.

use std::fs;
use std::os::unix::fs::symlink;

use cloakroom::store::{Directory, FileStore, Store};

use crate::common::{MAX_AGE, NOW, create, fresh_path, handle, live};
use crate::folder::{file, files};

#[tokio::test]
async fn s_094_a_sweep_touches_its_own_names_and_follows_no_link() {
    let (path, outside) = (fresh_path(), fresh_path());
    let store = FileStore::open(&path).await.unwrap();
    for n in 1..4 {
        create(&store, n).await;
    }
    let folder = file(&path, 1).parent().unwrap().to_owned();
    let expired = fs::read(file(&path, 1)).unwrap();

    fs::create_dir(&outside).unwrap();
    let victim = outside.join(handle(50).to_string());
    fs::write(&victim, &expired).unwrap();
    // Foreign names, with the content of an expired session.
    let upper = format!("{:032X}", 0xabc);
    let long = format!("{}0", handle(51));
    let foreign = [upper.as_str(), long.as_str(), ".nfs0001", "notes.txt", "x.new", "x"];
    for name in foreign {
        fs::write(folder.join(name), &expired).unwrap();
    }
    // Our name, but a link, a folder, a pipe.
    symlink(&victim, folder.join(handle(60).to_string())).unwrap();
    symlink(&victim, folder.join(format!("{}.new", handle(65)))).unwrap();
    fs::create_dir(folder.join(handle(61).to_string())).unwrap();
    fs::create_dir(folder.join(format!("{}.new", handle(62)))).unwrap();
    let pipe =
        std::process::Command::new("mkfifo").arg(folder.join(handle(63).to_string())).status();
    assert!(pipe.unwrap().success());
    // A second name elsewhere for what expires: only ours goes.
    fs::hard_link(file(&path, 2), outside.join("kept")).unwrap();
    // Left by a writer that was killed.
    fs::write(folder.join(format!("{}.new", handle(64))), "half").unwrap();
    // A link to a folder of folders.
    symlink(&outside, path.join("sessions").join("f")).unwrap();

    let late = NOW.plus(MAX_AGE);
    assert!(store.touch(handle(3), late.plus(MAX_AGE), NOW).await.unwrap());
    let swept = store.delete_expired(99, late).await;
    assert!(swept.is_err(), "the link in the place of a folder is reported");
    fs::remove_file(path.join("sessions").join("f")).unwrap();
    let _ = store.delete_expired(99, late).await.unwrap();

    assert!(!file(&path, 1).exists() && !file(&path, 2).exists());
    assert!(live(&store, 3).await.is_some());
    assert!(!folder.join(format!("{}.new", handle(64))).exists());
    assert_eq!(fs::read(outside.join("kept")).unwrap().len(), expired.len());
    assert_eq!(fs::read(&victim).unwrap(), expired, "no link is followed");
    for name in foreign {
        assert!(folder.join(name).exists(), "{name}");
    }
    for n in 60..62 {
        assert!(fs::symlink_metadata(folder.join(handle(n).to_string())).is_ok(), "{n}");
    }
    assert!(folder.join(format!("{}.new", handle(62))).is_dir());
    assert!(folder.join(handle(63).to_string()).exists());
    assert_eq!(store.count(NOW).await.unwrap(), 1);
}

#[tokio::test]
async fn a_sweep_goes_on_where_the_last_one_ended() {
    let path = fresh_path();
    let store = FileStore::open(&path).await.unwrap();
    for n in 0..40_u64 {
        // In folders apart.
        create(&store.with_namespace("x"), n << 56 | n).await;
        create(&store, n).await;
    }
    let late = NOW.plus(MAX_AGE);
    assert_eq!(store.delete_expired(25, late).await.unwrap(), 25);
    assert_eq!(store.delete_expired(25, late).await.unwrap(), 15);
    assert_eq!(store.delete_expired(25, late).await.unwrap(), 0);
    let all = files(&path).len();
    assert_eq!(all, 41, "the other namespace has its own sweep");
}
