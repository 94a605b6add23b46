//! What whole requests cost.

use cloakroom::testkit::TestClock;
use cloakroom::{RedisStore, ServerSideSessionBackend, ServerSideSessionConfig, Session};
use cloakroom_servers::RedisServer;

use crate::commands::commands;
use crate::common::server;

/// A process: a store with a connection of its own.
async fn process(server: &RedisServer, clock: &TestClock) -> ServerSideSessionBackend {
    let store = RedisStore::connect(&server.url()).await.expect("the server runs");
    let config = ServerSideSessionConfig::default();
    let backend = ServerSideSessionBackend::new(store, config).expect("a configuration");
    backend.with_clock(clock.clone())
}

async fn load(backend: &ServerSideSessionBackend, cookie: &str) -> Session {
    backend.load_from_connection([cookie.as_bytes()]).await.expect("the server answers")
}

async fn commit(backend: &ServerSideSessionBackend, session: &Session, before: &str) -> String {
    let (headers, outcome) = backend.store_in_message(session, 200).await;
    outcome.expect("the server answers");
    match headers.set_cookie {
        Some(line) => line.split(';').next().unwrap_or_default().to_owned(),
        None => before.to_owned(),
    }
}

/// What the server runs: `GET` outside of scripts, and scripts.
fn asked(server: &RedisServer) -> u64 {
    let done = commands(server);
    let of = |name: &str| done.get(name).copied().unwrap_or(0);
    let scripts = of("evalsha") + of("eval");
    // Each script begins with one `GET`, and a script that was not known did not run.
    scripts + of("get").saturating_sub(scripts)
}

#[tokio::test]
async fn a_request_asks_as_often_as_it_must() {
    let Some(server) = server() else { return };
    let clock = TestClock::new();
    let backend = process(&server, &clock).await;
    // So that the server knows the scripts.
    let session = load(&backend, "").await;
    session.insert("n", &0).unwrap();
    let cookie = commit(&backend, &session, "").await;
    let session = load(&backend, &cookie).await;
    session.insert("n", &1).unwrap();
    commit(&backend, &session, &cookie).await;
    let session = load(&backend, &cookie).await;
    session.destroy().unwrap();
    commit(&backend, &session, &cookie).await;
    commands(&server);

    let session = load(&backend, "").await;
    session.insert("n", &0).unwrap();
    let cookie = commit(&backend, &session, "").await;
    assert_eq!(asked(&server), 1, "create");

    let session = load(&backend, &cookie).await;
    assert_eq!(session.get::<u64>("n").unwrap(), Some(0));
    commit(&backend, &session, &cookie).await;
    assert_eq!(asked(&server), 1, "read");

    let session = load(&backend, &cookie).await;
    session.insert("n", &1).unwrap();
    commit(&backend, &session, &cookie).await;
    assert_eq!(asked(&server), 2, "write");

    let session = load(&backend, &cookie).await;
    session.destroy().unwrap();
    commit(&backend, &session, &cookie).await;
    assert_eq!(asked(&server), 2, "destroy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_writers_of_one_session_all_get_through() {
    let Some(server) = server() else { return };
    let backend = process(&server, &TestClock::new()).await;
    let session = load(&backend, "").await;
    session.insert("n", &0).unwrap();
    let cookie = commit(&backend, &session, "").await;
    let session = load(&backend, &cookie).await;
    session.insert("n", &1).unwrap();
    commit(&backend, &session, &cookie).await;
    commands(&server);
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (backend, cookie) = (backend.clone(), cookie.clone());
            tokio::spawn(async move {
                let session = load(&backend, &cookie).await;
                session.insert(&format!("k{n}"), &n).expect("it fits");
                commit(&backend, &session, &cookie).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let asked = asked(&server);
    let session = load(&backend, &cookie).await;
    for n in 0..50 {
        assert_eq!(session.get::<u64>(&format!("k{n}")).unwrap(), Some(n));
    }
    // 50 loads, 50 updates of which one succeeds, one more load, and 49 updates in turn, each on what the one before
    // has written; a few more if somebody comes late.
    assert!(asked <= 160, "{asked} commands");
}
