//! Several processes on one store, and processes that are killed: this test program started again as a child.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cloakroom::store::{Created, Directory, Ended, Store, Updated};

use crate::common::{NOW, create, fresh_path, handle, live, record};
use crate::{Embedded, check_sound};

const ROLE: &str = "CLOAKROOM_TEST_EMBEDDED_ROLE";
const FILE: &str = "CLOAKROOM_TEST_EMBEDDED_FILE";
const NUMBER: &str = "CLOAKROOM_TEST_EMBEDDED_NUMBER";
const PROCESSES: u64 = 8;
/// Writes of a process.
const WRITES: u64 = 40;
/// What all processes count in.
const SHARED: u64 = u64::MAX;

fn start(role: &str, path: &Path, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["processes::child", "--exact", "--nocapture"])
        .env(ROLE, role)
        .env(FILE, path)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child does; nothing where this is an ordinary test.
#[tokio::test]
async fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let store = Embedded::open(std::env::var(FILE).unwrap()).await.unwrap();
    let number = std::env::var(NUMBER).unwrap().parse().unwrap();
    match role.as_str() {
        "count" => count(&store, number).await,
        "talk" => talk(&store).await,
        _ => panic!("{role}"),
    }
}

/// Creates sessions of its own and counts in one that all share. No error is expected.
async fn count(store: &Embedded, number: u64) {
    // Whoever comes first creates it.
    let _ = store.create(handle(SHARED), record(0), NOW).await.unwrap();
    for n in 0..WRITES {
        create(store, number * WRITES + n).await;
        loop {
            let found = live(store, SHARED).await.unwrap();
            let next = record(found.data().get::<u64>("n").unwrap().unwrap() + 1);
            let outcome = store.update(handle(SHARED), next, found.revision(), NOW).await.unwrap();
            if outcome == Updated::Updated {
                break;
            }
        }
    }
}

/// Says of every write that it was acknowledged: three sessions come, the first of them goes.
async fn talk(store: &Embedded) {
    let mut out = std::io::stdout();
    for n in 0.. {
        create(store, n).await;
        writeln!(out, "\ncreated {n}").unwrap();
        if n % 3 == 2 {
            assert!(store.delete(handle(n - 2), Ended::Destroyed, NOW).await.unwrap());
            writeln!(out, "\ndeleted {}", n - 2).unwrap();
        }
    }
}

#[tokio::test]
async fn s_076_s_096_eight_processes_write_one_store_and_lose_nothing() {
    let path = fresh_path();
    // At once, in a place that is not there: they also race for making it.
    let children: Vec<_> = (0..PROCESSES).map(|number| start("count", &path, number)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let store = Embedded::open(&path).await.unwrap();
    let shared = live(&store, SHARED).await.unwrap();
    assert_eq!(shared.data().get("n").unwrap(), Some(PROCESSES * WRITES));
    assert_eq!(store.count(NOW).await.unwrap(), PROCESSES * WRITES + 1);
    check_sound(&path);
}

#[tokio::test]
async fn s_093_s_096_what_was_acknowledged_survives_kill_9() {
    for acknowledged in [1, 20, 150] {
        let path = fresh_path();
        let mut child = start("talk", &path, 0);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut heard = Vec::new();
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            let ["created" | "deleted", n] = words[..] else { continue };
            heard.push((words[0] == "created", n.parse::<u64>().unwrap()));
            if heard.len() == acknowledged {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(heard.len() >= acknowledged);

        let store = Embedded::open(&path).await.unwrap();
        let last = heard.iter().map(|heard| heard.1).max().unwrap();
        for n in 0..=last {
            let deleted = heard.contains(&(false, n));
            // The session whose deletion was under way may be there or not.
            let under_way = n % 3 == 0 && n + 2 >= last && !deleted;
            let there = live(&store, n).await.is_some();
            assert!(under_way || there != deleted, "session {n} of {last}");
        }
        check_sound(&path);
        // And it goes on.
        assert_eq!(store.create(handle(1 << 40), record(1), NOW).await.unwrap(), Created::Created);
    }
}
