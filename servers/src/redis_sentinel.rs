//! Redis with sentinels: a master, two replicas, and three who watch them.

use std::io;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::process::PATIENCE;
use crate::redis::{cli, program, wait, wait_for_redis};
use crate::redis_cluster::started;
use crate::{Process, RedisServer, free_port};

/// What the sentinels call the master.
const MASTER: &str = "main";

/// Three servers and three sentinels. Gone when it is dropped.
#[derive(Debug)]
pub struct RedisSentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<(Process, u16)>,
}

impl RedisSentinels {
    /// Starts them, and waits until all sentinels know all; `None` if Redis is not installed. A master that is gone is
    /// replaced after about a second.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn start() -> io::Result<Option<Self>> {
        let Some(master) = RedisServer::start()? else { return Ok(None) };
        let port = master.port().to_string();
        let mut servers = vec![master];
        for _ in 0..2 {
            let options = ["--save", "", "--replicaof", "127.0.0.1", &port];
            servers.extend(RedisServer::start_with(&options)?);
        }
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let (folder, own) = (tempfile::tempdir()?, free_port()?);
            let config = format!(
                "bind 127.0.0.1\nport {own}\nsentinel monitor {MASTER} 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds {MASTER} 500\n\
                 sentinel failover-timeout {MASTER} 3000\n"
            );
            std::fs::write(folder.path().join("sentinel.conf"), config)?;
            let mut command = Command::new(program());
            command.args(["sentinel.conf", "--sentinel"]);
            let mut process = Process::start(command, folder)?;
            wait_for_redis(&mut process, own)?;
            sentinels.push((process, own));
        }
        let all = Self { servers, sentinels };
        all.wait_until("know all servers", || Ok(all.knows_all()?.then_some(())))?;
        Ok(Some(all))
    }

    /// The URL of the sentinels that `CLOAKROOM_TEST_REDIS_SENTINEL_URL` names, or else of some that this process
    /// starts once and shares; `None` if there are neither. Their users keep apart by namespaces.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn shared() -> io::Result<Option<String>> {
        static SHARED: Mutex<Option<RedisSentinels>> = Mutex::new(None);
        if let Ok(url) = std::env::var("CLOAKROOM_TEST_REDIS_SENTINEL_URL") {
            return Ok(Some(url));
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_none() {
            *shared = Self::start()?;
        }
        Ok(shared.as_ref().map(Self::url))
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.sentinels.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// The port of the server that the sentinels call the master.
    ///
    /// # Errors
    /// If they do not say.
    pub fn master_port(&self) -> io::Result<u16> {
        let answer = cli(self.sentinels[0].1, &["SENTINEL", "get-master-addr-by-name", MASTER])?;
        let port = answer.lines().nth(1).and_then(|port| port.trim().parse().ok());
        port.ok_or_else(|| io::Error::other("the sentinels know no master"))
    }

    /// The servers that run.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// Kills the server that listens on a port, for good.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(&mut self, port: u16) -> io::Result<()> {
        let at = self.servers.iter().position(|server| server.port() == port);
        if let Some(at) = at {
            self.servers.remove(at).kill()?;
        }
        Ok(())
    }

    /// Waits until the sentinels name another master than this one.
    ///
    /// # Errors
    /// If they do not say, or do not for a minute.
    pub fn wait_for_another(&self, port: u16) -> io::Result<u16> {
        self.wait_until("name another master", || {
            Ok(Some(self.master_port()?).filter(|master| *master != port))
        })
    }

    /// Looks again and again until there is something; no longer than [`PATIENCE`].
    fn wait_until<T>(
        &self,
        what: &str,
        found: impl Fn() -> io::Result<Option<T>>,
    ) -> io::Result<T> {
        let start = started();
        while start.elapsed() < PATIENCE {
            if let Some(found) = found()? {
                return Ok(found);
            }
            wait();
        }
        let printed: Vec<_> = self.sentinels.iter().map(|(process, _)| process.output()).collect();
        Err(io::Error::other(format!(
            "the sentinels never {what}; they printed:\n{}",
            printed.join("\n")
        )))
    }

    /// Whether each sentinel knows both replicas and both other sentinels.
    fn knows_all(&self) -> io::Result<bool> {
        for (_, port) in &self.sentinels {
            let master = cli(*port, &["SENTINEL", "master", MASTER])?;
            let fields: Vec<&str> = master.lines().map(str::trim).collect();
            let field = |name| {
                fields.iter().position(|it| *it == name).and_then(|at| fields.get(at + 1).copied())
            };
            if field("num-slaves") != Some("2")
                || field("num-other-sentinels") != Some("2")
                || field("flags") != Some("master")
            {
                return Ok(false);
            }
        }
        // A replica that has not caught up is not promoted.
        let caught_up = |server: &RedisServer| {
            server.cli(&["INFO", "replication"]).is_ok_and(|info| {
                info.contains("role:master") || info.contains("master_link_status:up")
            })
        };
        Ok(self.servers.iter().all(caught_up))
    }
}
