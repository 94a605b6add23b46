//! A place that was put back to an older copy.

use std::process::Command;
use std::time::Duration;

use cloakroom::RecordParts;
use cloakroom::store::{Directory, Ended, Store};

use crate::Embedded;
use crate::common::{MAX_AGE, NOW, create, fresh_path, handle, live, parts};

/// The copy has what it had; so whoever restores one changes the namespace, and nothing of before counts.
#[tokio::test]
async fn s_072_an_older_copy_has_what_it_had_and_another_namespace_has_none_of_it() {
    let (path, copy) = (fresh_path(), fresh_path());
    let store = Embedded::open(&path).await.unwrap().with_namespace("first");
    let made = RecordParts { subject: Some("ada".into()), ..parts(1) }.into();
    let _ = store.create(handle(1), made, NOW).await.unwrap();
    create(&store, 2).await;
    let nearly = RecordParts { idle_deadline: NOW.plus(Duration::from_secs(1)), ..parts(3) };
    let _ = store.create(handle(3), nearly.into(), NOW).await.unwrap();
    for suffix in ["", "-wal"] {
        let [from, to] = [&path, &copy].map(|path| format!("{}{suffix}", path.to_str().unwrap()));
        if std::fs::exists(&from).unwrap() {
            assert!(Command::new("cp").args(["-a", &from, &to]).status().unwrap().success());
        }
    }
    assert!(store.delete(handle(1), Ended::Revoked, NOW).await.unwrap());

    let root = Embedded::open(&copy).await.unwrap();
    let restored = root.with_namespace("first");
    assert!(live(&store, 1).await.is_none() && live(&restored, 1).await.is_some());
    // Deadlines are in the copy, and are kept.
    assert!(live(&restored, 3).await.is_some());
    let later = NOW.plus(Duration::from_secs(2));
    assert_eq!(restored.count(later).await.unwrap(), 2);
    assert_eq!(restored.count(NOW.plus(MAX_AGE)).await.unwrap(), 0);

    let next = root.with_namespace("second");
    for n in 1..=3 {
        assert!(live(&next, n).await.is_none());
        assert!(!next.touch(handle(n), NOW.plus(MAX_AGE), NOW).await.unwrap());
    }
    assert_eq!(next.count(NOW).await.unwrap(), 0);
    assert!(next.by_subject("ada", NOW).await.unwrap().is_empty());
}
