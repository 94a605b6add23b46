//! PgBouncer in transaction mode: a pool in front of PostgreSQL that changes the connection at each statement.

use std::fs;
use std::io;
use std::path::Path;

use crate::postgres::Postgres;
use crate::process::{Process, free_port};
use crate::user::{command, give};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// PgBouncer on a port of the loopback interface. Dropping it ends it.
#[derive(Debug)]
pub struct PgBouncer {
    _process: Process,
    port: u16,
}

impl PgBouncer {
    /// Starts it in front of a server, with three connections to share; `None` if it is not installed.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(server: &Postgres) -> io::Result<Option<Self>> {
        if !Path::new(PROGRAM).exists() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("cloakroom-pgbouncer-").tempdir()?;
        let port = free_port()?;
        let settings = format!(
            "[databases]\n\
             * = host=127.0.0.1 port={} user=cloakroom password={}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\n",
            server.port(),
            server.password(),
        );
        fs::write(folder.path().join("settings"), settings)?;
        give(folder.path())?;
        let mut program = command(Path::new(PROGRAM));
        program.arg("settings");
        let mut process = Process::start(program, folder)?;
        process.wait_for_port(port)?;
        Ok(Some(Self { _process: process, port }))
    }

    /// Where it is: `postgres://user@127.0.0.1:port/postgres`.
    pub fn url(&self) -> String {
        format!("postgres://cloakroom@127.0.0.1:{}/postgres", self.port)
    }
}
