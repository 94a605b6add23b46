//! The program, started as a process.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "only `#[test]` functions themselves count as tests to clippy"
)]

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};

use cloakroom::testkit::client::{PATIENCE, Visitor};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// The program with arguments; killed when it is dropped.
pub(crate) fn testbed(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(arguments).kill_on_drop(true).stdout(Stdio::piped());
    command
}

/// A process of the program that serves.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it prints after the line that says where it listens.
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts the program on a free port. It waits for a store for longer than a busy machine takes.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let patient = ["--listen", "127.0.0.1:0", "--set", "operation_timeout=60s"];
        let mut child = testbed(&[&patient, arguments].concat())
            // Only why it does not start: what goes wrong with requests is for the test to see.
            .env("RUST_LOG", "off")
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("readable");
        let line = line.expect("a line");
        let address = line.strip_prefix("listening on http://").expect("the line of the contract");
        Self { child, address: address.parse().expect("an address"), lines }
    }

    /// Someone without a cookie.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::at(self.address)
    }

    /// Asks it to end (SIGTERM), and waits for that.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_end().await;
        self.wait().await
    }

    /// Sends SIGTERM.
    pub(crate) async fn ask_to_end(&self) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill").success());
    }

    /// Waits for its end.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("in time").expect("its end")
    }

    /// Kills it (SIGKILL), and waits for its end.
    pub(crate) async fn kill(&mut self) {
        self.child.start_kill().expect("it runs");
        self.wait().await;
    }
}
