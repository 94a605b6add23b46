//! Redis, alone, or Valkey in its place.

use std::ffi::OsString;
use std::io;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Process, free_port};

/// Names another program to start: `valkey-server`, which takes the same options, or the whole path of one. If it is
/// not there, that is a failure.
const PROGRAM: &str = "CLOAKROOM_TEST_REDIS_SERVER";

/// The program of a server.
pub(crate) fn program() -> OsString {
    named().unwrap_or_else(|| "redis-server".into())
}

fn named() -> Option<OsString> {
    std::env::var_os(PROGRAM).filter(|name| !name.is_empty())
}

/// A Redis server on a port of its own, or one of Valkey if `CLOAKROOM_TEST_REDIS_SERVER` names its program. Gone when
/// it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    port: u16,
    options: Vec<String>,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk; `None` if it is not installed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start() -> io::Result<Option<Self>> {
        Self::start_with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts a server that writes each command to disk before it answers; `None` if it is not installed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_durable() -> io::Result<Option<Self>> {
        Self::start_with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts a server with options of the command line; `None` if it is not installed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_with(options: &[&str]) -> io::Result<Option<Self>> {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        match Self::start_in(tempfile::tempdir()?, free_port()?, options) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && named().is_none() => Ok(None),
            started => started.map(Some),
        }
    }

    /// The URL of the server that `CLOAKROOM_TEST_REDIS_URL` names, or else of one that this process starts
    /// once and shares; `None` if there is neither. Its users keep apart by namespaces.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn shared() -> io::Result<Option<String>> {
        static SHARED: Mutex<Option<RedisServer>> = Mutex::new(None);
        if let Ok(url) = std::env::var("CLOAKROOM_TEST_REDIS_URL") {
            return Ok(Some(url));
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_none() {
            *shared = Self::start()?;
        }
        Ok(shared.as_ref().map(Self::url))
    }

    /// Kills the server, so that it can be started again on its data and its port.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(self) -> io::Result<KilledRedis> {
        Ok(KilledRedis { folder: self.process.kill()?, port: self.port, options: self.options })
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process, for signals.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where a client finds it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Waits until this many replicas have all that it has.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn wait_for_replicas(&self, replicas: usize) -> io::Result<()> {
        loop {
            let info = self.cli(&["INFO", "replication"])?;
            let own = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
            let own = format!("offset={},", own.unwrap_or_default().trim());
            let even = info.lines().filter(|line| line.starts_with("slave") && line.contains(&own));
            if even.count() >= replicas {
                return Ok(());
            }
            wait();
        }
    }

    /// Stops it (SIGSTOP) until it is told to go on: it accepts connections and answers nothing.
    ///
    /// # Errors
    /// If no signal can be sent, or it still runs after a minute.
    pub fn pause(&self) -> io::Result<()> {
        self.process.pause()
    }

    /// Lets it go on after a [`pause`](Self::pause).
    ///
    /// # Errors
    /// If no signal can be sent.
    pub fn resume(&self) -> io::Result<()> {
        self.process.resume()
    }

    /// Runs `redis-cli` on it and returns what it prints.
    ///
    /// # Errors
    /// If it cannot be run or fails.
    pub fn cli(&self, arguments: &[&str]) -> io::Result<String> {
        cli(self.port, arguments)
    }

    fn start_in(folder: TempDir, port: u16, options: Vec<String>) -> io::Result<Self> {
        let mut command = Command::new(program());
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        // By itself it waits five seconds for further replicas before it serves the first.
        command.args(["--repl-diskless-sync-delay", "0"]).args(&options);
        let mut process = Process::start(command, folder)?;
        wait_for_redis(&mut process, port)?;
        // It listens before it has read its data.
        process.wait_until("serves", |_| {
            cli(port, &["PING"]).is_ok_and(|answer| answer.trim() == "PONG")
        })?;
        Ok(Self { process, port, options })
    }
}

/// A server that was killed, and its data.
#[derive(Debug)]
pub struct KilledRedis {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
}

impl KilledRedis {
    /// Starts it again.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn restart(self) -> io::Result<RedisServer> {
        RedisServer::start_in(self.folder, self.port, self.options)
    }
}

/// Waits until a process listens on a port, and not another Redis that was given it meanwhile.
pub(crate) fn wait_for_redis(process: &mut Process, port: u16) -> io::Result<()> {
    process.wait_for_port(port)?;
    let own = format!("process_id:{}", process.id());
    process.wait_until("listens on its port", |_| {
        cli(port, &["INFO", "server"]).is_ok_and(|info| info.lines().any(|line| line.trim() == own))
    })
}

/// Runs `redis-cli` on a port.
///
/// # Errors
/// If it cannot be run or fails.
pub(crate) fn cli(port: u16, arguments: &[&str]) -> io::Result<String> {
    let output =
        Command::new("redis-cli").args(["-p", &port.to_string()]).args(arguments).output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("redis-cli failed: {}", stderr.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A moment, before looking again: no event tells what a foreign program has come to.
pub(crate) fn wait() {
    std::thread::sleep(Duration::from_millis(10));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::required;

    #[test]
    fn another_server_on_its_port_is_not_taken_for_it() {
        let Some(other) = required("redis-server", RedisServer::start()) else { return };
        let folder = tempfile::tempdir().unwrap();
        let error = RedisServer::start_in(folder, other.port(), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("ended with"), "{error}");
    }
}
