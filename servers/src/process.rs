//! A child process that lives as long as its value, and its private folder.
#![allow(
    clippy::disallowed_methods,
    reason = "a server starts in the machine's time, not in a test's"
)]

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than anything here takes on a busy machine: a server to start, a Cluster to agree.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server process and its folder. Dropping it kills the process and removes the folder.
#[derive(Debug)]
pub struct Process {
    child: Child,
    folder: TempDir,
}

impl Process {
    /// Starts what `command` describes, with `folder` as its working directory. Its output goes to
    /// `output.log` in the folder.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(mut command: Command, folder: TempDir) -> io::Result<Self> {
        let log = std::fs::File::create(folder.path().join("output.log"))?;
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { child, folder })
    }

    /// Waits until something listens on the port of the loopback interface.
    ///
    /// # Errors
    /// If the process ends before, or nothing listens after a minute; with the end of what it printed.
    pub fn wait_for_port(&mut self, port: u16) -> io::Result<()> {
        self.wait_until("listens", |_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    /// Waits until the process has printed a text, for a server that listens before it is ready.
    ///
    /// # Errors
    /// If the process ends before, or has not after a minute; with the end of what it printed.
    pub fn wait_for_output(&mut self, text: &str) -> io::Result<()> {
        self.wait_until("is ready", |process| process.output().contains(text))
    }

    /// What it has printed.
    pub fn output(&self) -> String {
        let log = std::fs::read(self.folder().join("output.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until `done` says so, such as of what it has printed.
    ///
    /// # Errors
    /// If the process ends before, or it takes more than a minute; with the end of what it printed.
    pub(crate) fn wait_until(
        &mut self,
        what: &str,
        done: impl Fn(&Self) -> bool,
    ) -> io::Result<()> {
        let start = Instant::now();
        loop {
            let is_done = done(self);
            // Asked last: what was seen may be the work of another, such as one that has the port.
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failure(&format!("ended with {status}")));
            }
            if is_done {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(self.failure(&format!("never {what}")));
            }
            // No event tells what a foreign program has come to.
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The private folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The number of the process, for signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process (SIGKILL) and keeps the folder, for a restart on the same data.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(mut self) -> io::Result<TempDir> {
        self.child.kill()?;
        self.child.wait()?;
        let placeholder = tempfile::tempdir()?;
        Ok(std::mem::replace(&mut self.folder, placeholder))
    }

    /// Waits for the process to end by itself.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Asks the process to end (SIGTERM) and waits until it has, for one that has children of its own.
    pub(crate) fn terminate(&mut self) {
        // Whether it has ended by itself is asked first: its number may be another's by then.
        if matches!(self.child.try_wait(), Ok(None)) && self.signal("-TERM").is_ok() {
            let _ = self.child.wait();
        }
    }

    /// Sends a signal, by its name with a dash as `kill` takes it.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub(crate) fn signal(&self, signal: &str) -> io::Result<()> {
        let status = Command::new("kill").args([signal, &self.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("no signal was sent")) }
    }

    fn failure(&self, what: &str) -> io::Error {
        let log = self.output();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        io::Error::other(format!("the server {what}; it printed:\n{}", tail.join("\n")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
