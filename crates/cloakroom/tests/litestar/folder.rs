//! A folder that is shared with a real Litestar application.

use cloakroom::{Absence, Clock, SystemClock, UnixMillis};
use serde_json::json;

use crate::side::start_on_folder;

#[tokio::test]
async fn b_094_a_shared_folder_holds_nothing_but_sessions_and_litestar_can_sweep_it() {
    for (layout, folder) in [("plain", "kept"), ("factory", "kept/sessions")] {
        let Some(mut sides) = start_on_folder(layout) else { return };
        sides.litestar.does("/set", r#"{"theirs":1}"#).await;
        assert_eq!(sides.data().await, json!({"theirs": 1}), "{layout}");
        sides.does(|session| session.sign_in("ada").unwrap()).await;
        sides.does(|session| session.insert("ours", &2).unwrap()).await;
        let both = json!({"theirs": 1, "ours": 2});
        let mut there = sides.litestar.get("/session").await.json();
        there.as_object_mut().unwrap().remove("_cloakroom").expect("the mark of the sign-in");
        assert_eq!(there, both, "{layout}");
        assert_eq!(sides.load().await.subject().as_deref(), Some("ada"), "kept over its write");

        // One that expired long ago.
        let past = sides.ours.clone().with_clock(|| UnixMillis::from_millis(1));
        let session = past.load_from_connection([]).await.unwrap();
        session.insert("old", &1).unwrap();
        past.store_in_message(&session, 200).await.1.unwrap();

        let files: Vec<_> = std::fs::read_dir(sides.server.path().join(folder))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(files.len(), 2, "{layout}: {files:?}");
        assert!(files.iter().all(|name| name.len() == 64), "{layout}: {files:?}");
        sides.litestar.does("/sweep", "").await;
        assert_eq!(sides.data().await, both, "{layout}");
        assert_eq!(std::fs::read_dir(sides.server.path().join(folder)).unwrap().count(), 1);
    }
}

/// Also on a folder, what ended here stays ended here.
#[tokio::test]
async fn b_052_b_054_a_file_that_litestar_writes_back_is_removed_when_seen() {
    let Some(mut sides) = start_on_folder("plain") else { return };
    sides.litestar.does("/set", r#"{"a":1}"#).await;
    let handle = sides.load().await.handle().unwrap();
    let folder = sides.server.path().join("kept");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    assert!(sides.ours.sessions().revoke(handle).await.unwrap());
    assert!(!file.exists());
    // As a Litestar request that was under way does.
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(sides.litestar.get("/session").await.json(), json!({"a": 1}), "there it lives");
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
    assert!(!file.exists());
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
}

/// As on Redis: what expired or was ended there lives again there as a session of nobody, whether that was seen here or not.
#[tokio::test]
async fn b_011_b_022_a_file_that_litestar_makes_anew_is_nobodys() {
    for (seen, expires) in [(true, true), (true, false), (false, true), (false, false)] {
        let Some(mut sides) = start_on_folder("plain") else { return };
        sides.litestar.does("/set", r#"{"cart":1}"#).await;
        sides.does(|session| session.sign_in("ada").unwrap()).await;
        let cookie = sides.litestar.cookie.clone();
        match expires {
            true => sides.ours = sides.ours.clone().with_clock(later),
            false => sides.litestar.does("/clear", "").await,
        }
        if expires {
            let folder = sides.server.path().join("kept");
            let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
            std::fs::remove_file(file).unwrap();
        }
        sides.litestar.cookie = cookie;
        if seen {
            let why = if expires { Absence::Expired } else { Absence::Unknown };
            assert_eq!(sides.load().await.absence(), Some(why));
            assert_eq!(sides.load().await.absence(), Some(why), "still known");
        }
        sides.litestar.does("/set", r#"{"planted":1}"#).await;
        if expires {
            // The end that Litestar gave it, as told by a clock that is a fortnight ahead.
            let folder = sides.server.path().join("kept");
            let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
            let mut bytes = std::fs::read(&file).unwrap();
            let at = bytes.windows(2).position(|two| two == [0xd7, 0xff]).unwrap();
            bytes.splice(at..at + 10, [0xc0]);
            std::fs::write(&file, bytes).unwrap();
        }
        let session = sides.load().await;
        assert_eq!((session.subject(), session.exists()), (None, true), "{seen} {expires}");
        sides.does(|session| session.insert("ours", &1).unwrap()).await;
        assert_eq!(sides.data().await, json!({"planted": 1, "ours": 1}));
    }
}

/// A day after the longest that a session lives.
fn later() -> UnixMillis {
    SystemClock.now().plus(std::time::Duration::from_secs(15 * 86_400))
}
