//! Redis Cluster: three masters, each with a replica.

use std::io;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::process::PATIENCE;
use crate::redis::wait;
use crate::{RedisServer, free_port};

/// Six servers that are one Cluster. Gone when it is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    servers: Vec<Option<RedisServer>>,
}

impl RedisCluster {
    /// Starts the servers and makes them one; `None` if Redis is not installed. A master that is gone is replaced after
    /// about a second.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start() -> io::Result<Option<Self>> {
        let mut servers = Vec::new();
        for _ in 0..6 {
            // By itself the bus takes the port that is higher by ten thousand, which may be another's.
            let bus = free_port()?.to_string();
            let options = [
                ["--save", ""],
                ["--cluster-enabled", "yes"],
                ["--cluster-node-timeout", "1000"],
                ["--cluster-config-file", "nodes.conf"],
                ["--cluster-port", &bus],
            ];
            let server = RedisServer::start_with(&options.concat())?;
            let Some(server) = server else { return Ok(None) };
            servers.push(Some(server));
        }
        let cluster = Self { servers };
        let addresses = cluster.running().map(|server| format!("127.0.0.1:{}", server.port()));
        let output = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            return Err(io::Error::other(format!("no Cluster was made: {said}")));
        }
        cluster.wait_until_whole()?;
        Ok(Some(cluster))
    }

    /// The URL of the Cluster that `CLOAKROOM_TEST_REDIS_CLUSTER_URL` names, or else of one that this process
    /// starts once and shares; `None` if there is neither. Its users keep apart by namespaces.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn shared() -> io::Result<Option<String>> {
        static SHARED: Mutex<Option<RedisCluster>> = Mutex::new(None);
        if let Ok(url) = std::env::var("CLOAKROOM_TEST_REDIS_CLUSTER_URL") {
            return Ok(Some(url));
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_none() {
            *shared = Self::start()?;
        }
        Ok(shared.as_ref().map(Self::url))
    }

    /// Where clients find it: two of its servers.
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.running().take(2).map(|server| format!("127.0.0.1:{}", server.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The servers that run.
    pub fn running(&self) -> impl Iterator<Item = &RedisServer> {
        self.servers.iter().flatten()
    }

    /// The servers that run and say that they are masters.
    pub fn masters(&self) -> Vec<&RedisServer> {
        let is_master = |server: &&RedisServer| {
            server.cli(&["ROLE"]).is_ok_and(|role| role.starts_with("master"))
        };
        self.running().filter(is_master).collect()
    }

    /// Kills the server that listens on a port, for good.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(&mut self, port: u16) -> io::Result<()> {
        for server in &mut self.servers {
            if let Some(found) = server.take_if(|server| server.port() == port) {
                found.kill()?;
            }
        }
        Ok(())
    }

    /// Waits until all servers that run agree that every slot is served.
    ///
    /// # Errors
    /// If they do not after a minute.
    pub fn wait_until_whole(&self) -> io::Result<()> {
        let start = started();
        let whole = |server: &RedisServer| {
            server.cli(&["CLUSTER", "INFO"]).is_ok_and(|info| {
                info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
            })
        };
        while !self.running().all(whole) {
            if start.elapsed() > PATIENCE {
                return Err(io::Error::other("the Cluster is never whole"));
            }
            wait();
        }
        Ok(())
    }
}

#[allow(clippy::disallowed_methods, reason = "a server starts in the machine's time")]
pub(crate) fn started() -> Instant {
    Instant::now()
}
