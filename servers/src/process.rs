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

use crate::janitor::Janitor;

/// Longer than anything here takes on a busy machine: a server to start, a Cluster to agree.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server process and its folder. Dropping it kills the process and removes the folder; so does the end of this process,
/// whatever ends it.
#[derive(Debug)]
pub struct Process {
    /// Dismissed before the child is waited for, whose number may be another's then.
    janitor: Option<Janitor>,
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
        let mut this = Self { janitor: None, child, folder };
        this.janitor = Some(Janitor::of(this.id(), this.folder())?);
        Ok(this)
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
        self.janitor = None;
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
        self.janitor = None;
        self.child.wait()
    }

    /// Asks the process to end (SIGTERM) and waits until it has, for one that has children of its own.
    pub(crate) fn terminate(&mut self) {
        self.janitor = None;
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
        send(signal, self.id())
    }

    /// Stops it (SIGSTOP) and waits until it stands still.
    ///
    /// # Errors
    /// If no signal can be sent, or it still runs after a minute.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.signal("-STOP")?;
        wait_until_paused(self.id())
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// If no signal can be sent.
    pub(crate) fn resume(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    fn failure(&self, what: &str) -> io::Error {
        let log = self.output();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        io::Error::other(format!("the server {what}; it printed:\n{}", tail.join("\n")))
    }
}

/// Sends a signal to a process, by its name with a dash as `kill` takes it.
pub(crate) fn send(signal: &str, process: u32) -> io::Result<()> {
    let status = Command::new("kill").args([signal, &process.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("no signal was sent")) }
}

/// Waits until every thread of a process that was told to stop stands still, or has ended.
///
/// Sending SIGSTOP only begins it: a thread that runs on another processor goes on for as long as it takes the
/// system to interrupt it, and may answer one more request.
pub(crate) fn wait_until_paused(process: u32) -> io::Result<()> {
    let start = Instant::now();
    while threads(process).iter().any(|state| !matches!(state, 'T' | 'X' | 'Z')) {
        if start.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("process {process} does not stop")));
        }
        // The system tells a parent that a child has stopped, and nobody that a grandchild has.
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The state of each thread of a process, by the letters of proc_pid_stat(5); of none if it has ended.
fn threads(process: u32) -> Vec<char> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok())
        // The name before it is in brackets and may hold any character.
        .filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next())
        .collect()
}

impl Drop for Process {
    fn drop(&mut self) {
        self.janitor = None;
        // It may have ended by itself; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};

    use super::*;

    const CHILD: &str = "CLOAKROOM_TEST_STARTS_A_SERVER";

    /// A process that starts a server, to be killed; nothing where this is an ordinary test.
    #[test]
    fn killed() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        let mut server = Command::new("sh");
        // As whatever a shell starts in its background.
        server.args(["-c", "trap '' QUIT; exec sleep 1000"]);
        let server = Process::start(server, tempfile::tempdir().unwrap()).unwrap();
        writeln!(io::stdout(), "\nserver {} {}", server.id(), server.folder().display()).unwrap();
        loop {
            thread::park();
        }
    }

    #[test]
    fn a_server_ends_with_the_process_that_started_it_also_where_that_is_killed() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["process::tests::killed", "--exact", "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let server = lines.find_map(|line| line.strip_prefix("server ").map(str::to_owned));
        let server = server.unwrap();
        let (id, folder) = server.split_once(' ').unwrap();
        let runs = || threads(id.parse().unwrap()).iter().any(|state| !matches!(state, 'X' | 'Z'));
        assert!(runs() && Path::new(folder).is_dir());
        child.kill().unwrap();
        child.wait().unwrap();
        let start = Instant::now();
        while runs() || Path::new(folder).exists() {
            assert!(start.elapsed() < PATIENCE, "it is left behind");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_paused_process_stands_still_when_the_call_returns() {
        // More of them than processors: the signal reaches one that waits for its turn only when it has it.
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let busy: Vec<_> = (0..4 * processors)
            .map(|_| {
                let mut busy = Command::new("sh");
                busy.args(["-c", "while :; do :; done"]);
                Process::start(busy, tempfile::tempdir().unwrap()).unwrap()
            })
            .collect();
        for process in busy.iter().cycle().take(5 * busy.len()) {
            process.pause().unwrap();
            assert_eq!(threads(process.id()), ['T']);
            process.resume().unwrap();
        }
    }
}
