//! A.4: `delete_all` of the stores that are shared.

use cloakroom::store::litestar::{FileStore, RedisStore, RedisStoreBuilder};
use cloakroom::{Absence, ErrorKind};
use cloakroom_servers::{RedisServer, required};

use crate::stores::Process;

fn rooted<'n>(server: &RedisServer, namespace: impl Into<Option<&'n str>>) -> RedisStore {
    let builder = RedisStoreBuilder::from_url(&server.url()).unwrap();
    builder.with_root_namespace(namespace).build().unwrap()
}

/// The keys that are not ours alone, sorted.
fn keys(server: &RedisServer) -> Vec<String> {
    let all = server.cli(&["KEYS", "*"]).unwrap();
    let mut all: Vec<_> =
        all.lines().filter(|key| !key.contains("cloakroom-litestar")).map(str::to_owned).collect();
    all.sort();
    all
}

/// Better: exactly the namespace. What merely starts like it stays, and no letter of a name is a wildcard.
#[tokio::test]
async fn a_4_delete_all_is_of_exactly_this_namespace() {
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    let id = "ab".repeat(32);
    for (name, others) in [
        ("APP", &["APP2", "APPLE", "APP_x", "APP_sessions", "XAPP", "app", ""][..]),
        ("A*", &["AB", "A", "A*B", "ABC"]),
        ("A?", &["AB", "A"]),
        ("[AB]", &["A", "B"]),
        ("A-B^]", &["A", "AxB"]),
        ("A\\*", &["A*", "A\\B", "Ax"]),
        ("*", &["A", "B", "cloakroom"]),
        ("{x}", &["x", "{x"]),
    ] {
        server.cli(&["FLUSHALL"]).unwrap();
        let set = |key: &str| drop(server.cli(&["SET", key, r#"{"a":1}"#]).unwrap());
        let mut expected: Vec<_> = others.iter().map(|other| format!("{other}:{id}")).collect();
        expected.push(id.clone());
        expected.iter().for_each(|key| set(key));
        for key in [&*id, "attacker", "with:colon", ""] {
            set(&format!("{name}:{key}"));
        }
        let process = Process::on(rooted(&server, name));
        let cookie = process.insert("", "a", 1).await;
        assert_eq!(process.backend.sessions().delete_all().await.unwrap(), 5, "{name}");
        expected.sort();
        assert_eq!(keys(&server), expected, "{name}");
        assert_eq!(process.load(&cookie).await.absence(), Some(Absence::Revoked), "{name}");
        assert_eq!(process.backend.sessions().delete_all().await.unwrap(), 0, "{name}");
    }
}

/// The same: refused, and nothing is touched.
#[tokio::test]
async fn a_4_delete_all_without_a_namespace_is_refused() {
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    server.cli(&["SET", "somebody:else", "1"]).unwrap();
    let process = Process::on(rooted(&server, None));
    let cookie = process.insert("", "a", 1).await;
    let error = process.backend.sessions().delete_all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(server.cli(&["EXISTS", "somebody:else"]).unwrap().trim(), "1");
    assert!(process.load(&cookie).await.exists());
    let nested = Process::on(rooted(&server, None).with_namespace("sessions"));
    nested.insert("", "a", 1).await;
    assert_eq!(nested.backend.sessions().delete_all().await.unwrap(), 1);
    assert!(process.load(&cookie).await.exists());
}

/// Better: what the other side writes back afterwards stays dead here, whether it was known here or not, and more sessions than
/// one walk of the server returns are ended.
#[tokio::test]
async fn a_4_delete_all_is_not_undone() {
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    let process = Process::on(rooted(&server, "APP"));
    let known = process.insert("", "a", 1).await;
    let unknown = format!("session={}", "cd".repeat(32));
    let many =
        "for i = 1, 3000 do redis.call('SET', 'APP:' .. string.format('%064x', i), '{}') end";
    server.cli(&["EVAL", many, "0"]).unwrap();
    let written = [&known, &unknown].map(|cookie| cookie.replace("session=", "APP:"));
    server.cli(&["SET", &written[1], r#"{"a":1}"#]).unwrap();
    assert_eq!(process.backend.sessions().delete_all().await.unwrap(), 3002);
    assert!(keys(&server).is_empty());
    for (cookie, key) in [&known, &unknown].into_iter().zip(&written) {
        server.cli(&["SET", key, r#"{"a":1}"#, "EX", "1000"]).unwrap();
        assert_eq!(process.load(cookie).await.absence(), Some(Absence::Revoked));
        assert_eq!(server.cli(&["EXISTS", key]).unwrap().trim(), "0", "removed when seen");
    }
    let again = process.insert("", "a", 1).await;
    assert!(process.load(&again).await.exists());
}

/// Better: session files alone; other namespaces, and what is no session, stay.
#[tokio::test]
async fn a_4_delete_all_of_a_folder_leaves_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let root = FileStore::new(&kept);
    let inner = Process::on(root.with_namespace("other").unwrap());
    let process = Process::on(root);
    let elsewhere = inner.insert("", "a", 1).await;
    let known = process.insert("", "a", 1).await;
    let unknown = process.insert("", "b", 2).await;
    let files = |folder: &std::path::Path| -> Vec<_> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_file()).collect()
    };
    let before: Vec<_> =
        files(&kept).into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    // One that was never seen here.
    let handle = unknown.strip_prefix("session=").unwrap()[..32].to_owned();
    std::fs::remove_file(folder.path().join("kept.cloakroom/known").join(handle)).unwrap();
    std::fs::write(kept.join("x.tmp1a2b3c4d"), "").unwrap();

    assert_eq!(process.backend.sessions().delete_all().await.unwrap(), 2);
    assert_eq!(files(&kept), [kept.join("x.tmp1a2b3c4d")]);
    assert!(inner.load(&elsewhere).await.exists());
    // As requests that were under way on the other side.
    for (bytes, path) in &before {
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(process.load(&known).await.absence(), Some(Absence::Revoked));
    assert!(process.load(&unknown).await.absence().is_some());
    assert_eq!(files(&kept).len(), 1);
    assert_eq!(process.backend.sessions().delete_all().await.unwrap(), 0);
}
