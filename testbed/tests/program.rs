//! The program: its command line, its one line of output, its end.

mod process;

use std::process::{Output, Stdio};
use std::time::Duration;

use cloakroom::testkit::client::{Answer, PATIENCE, Visitor};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::process::{Process, testbed};

/// Milliseconds from the creation of the visitor's session to its end.
async fn lifetime(visitor: &mut Visitor) -> u64 {
    let session = visitor.session().await;
    let [created, expires] = ["created_at", "expires_at"].map(|name| session[name].as_u64());
    expires.expect("it exists") - created.expect("it exists")
}

async fn check_refused(arguments: &[&str], says: &str) {
    let output = timeout(PATIENCE, testbed(arguments).stderr(Stdio::piped()).output()).await;
    let Output { status, stdout, stderr } = output.expect("in time").expect("it runs");
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(!status.success(), "{arguments:?}");
    assert!(stdout.is_empty(), "{arguments:?}");
    assert!(stderr.starts_with("testbed: ") && stderr.contains(says), "{arguments:?}: {stderr}");
}

#[tokio::test]
async fn serves_until_sigterm_and_prints_one_line() {
    let mut process = Process::start(&["--set", "secure=false"]).await;
    let mut visitor = process.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    // Neither a connection that says nothing nor a request under way keeps it or is cut off.
    let _silent = TcpStream::connect(visitor.address).await.unwrap();
    let mut slow = visitor.open("GET", "/slow?delay=1000", "").await;
    // Connections are accepted in order, so that one is being served when this is answered.
    assert_eq!(visitor.get("/untouched").await.body, "ok");
    tokio::time::sleep(Duration::from_millis(200)).await;

    process.ask_to_end().await;

    let mut answer = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert_eq!(Answer::parse(&answer).json()["data"], serde_json::json!({"a": 1}));
    assert!(process.wait().await.success());
    assert_eq!(process.lines.next_line().await.unwrap(), None);
}

#[tokio::test]
async fn takes_settings_from_a_file_and_then_from_the_command_line() {
    let file = std::env::temp_dir().join(format!("testbed-{}.toml", std::process::id()));
    std::fs::write(&file, "key = \"fromfile\"\nmax_age = \"1h30m\"\n").unwrap();
    let config = file.to_str().unwrap();
    let process = Process::start(&[
        "--config",
        config,
        "--set",
        "max_age=90",
        "--store",
        "memory:?namespace=x",
    ])
    .await;
    std::fs::remove_file(&file).unwrap();
    let mut visitor = process.visitor();

    let answer = visitor.post("/set", r#"{"a":1}"#).await;
    let cookie = answer.set_cookie().unwrap();
    assert!(cookie.starts_with("__Host-fromfile="), "{cookie}");
    assert_eq!(lifetime(&mut visitor).await, 90_000);
}

#[tokio::test]
async fn a_preset_is_taken_before_what_changes_it() {
    let process = Process::start(&["--set", "max_age=90", "--set", "preset=litestar"]).await;
    let mut visitor = process.visitor();
    let answer = visitor.post("/set", r#"{"a":1}"#).await;
    let cookie = answer.set_cookie().unwrap();
    assert!(cookie.starts_with("session="), "{cookie}");
    assert_eq!(lifetime(&mut visitor).await, 90_000);
}

#[tokio::test]
async fn sessions_in_a_file_survive_a_restart() {
    let file = std::env::temp_dir().join(format!("testbed-{}.db", std::process::id()));
    let url = format!("sqlite:{}", file.display());
    let arguments = ["--store", &url, "--set", "secure=false"];
    let mut process = Process::start(&arguments).await;
    let mut visitor = process.visitor();
    visitor.does("/set", r#"{"a":1}"#).await;
    assert!(process.terminate().await.success());

    let again = Process::start(&arguments).await;
    visitor.address = again.address;
    assert_eq!(visitor.session().await["data"], serde_json::json!({"a": 1}));
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
}

#[tokio::test]
async fn refuses_what_it_cannot_serve() {
    check_refused(&["--listen", "0.0.0.0:0"], "not a loopback address").await;
    check_refused(&["--listen", "[::]:0"], "not a loopback address").await;
    check_refused(&["--adapter", "actix"], "use `--adapter tower`").await;
    check_refused(&["--store", "memory:x"], "use `memory:`").await;
    check_refused(&["--store", "memory:?cached=1s"], "known: namespace").await;
    check_refused(&["--store", "memory:?sealed=1"], "known: namespace").await;
    check_refused(&["--store", "sqlite:./f?cached=1s"], "known: namespace, synchronous, timeout")
        .await;
    check_refused(&["--store", "sqlite:/nonexistent/f"], "folder does not exist").await;
    check_refused(&["--store", "redis://127.0.0.1:1"], "cannot be reached").await;
    check_refused(&["--store", "litestar+file:"], "names a folder").await;
    check_refused(&["--store", "litestar+file:./d?colour=red"], "known: namespace, max_age").await;
    check_refused(&["--store", "litestar+redis://127.0.0.1:1"], "cannot be reached").await;
    check_refused(&["--store", "litestar+redis://127.0.0.1?max_age=x"], "max_age").await;
    check_refused(&["--store", "litestar+redis://127.0.0.1?replicas=1"], "leave out `replicas`")
        .await;
    check_refused(&["--store", "redis+cluster://cache"], "in the clear").await;
    check_refused(&["--store", "file:./d?cached=1s"], "known: namespace, timeout").await;
    check_refused(&["--store", "file:/nonexistent/d"], "does not exist").await;
    check_refused(&["--store", "file:/tmp/d"], "/tmp; choose another place").await;
    check_refused(&["--set", "max_age"], "has no `=`").await;
    check_refused(&["--set", "nonsense=1"], "nonsense").await;
    check_refused(&["--config", "/nonexistent/testbed.toml"], "/nonexistent/testbed.toml").await;
}

#[tokio::test]
async fn refuses_stores_that_are_not_there_without_repeating_a_password() {
    for url in ["redis+elsewhere://h", "litestar+memory:"] {
        check_refused(&["--store", url], "known: memory").await;
    }
    let output =
        testbed(&["--store", "oracle://ada:hunter2@localhost/db"]).stderr(Stdio::piped()).output();
    let stderr = String::from_utf8(output.await.unwrap().stderr).unwrap();
    assert!(stderr.contains("`oracle:`") && !stderr.contains("hunter2"), "{stderr}");
}
