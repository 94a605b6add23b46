//! PgBouncer in transaction mode: a pool in front of PostgreSQL that changes the connection at each statement.

use std::fs;
use std::io;
use std::path::Path;

use crate::ports::free_port;
use crate::postgres::Postgres;
use crate::process::Process;
use crate::shared::{Served, shared};
use crate::user::{command, give};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// Names one that runs already, in transaction mode and before the server that the tests use.
const URL: &str = "CLOAKROOM_TEST_PGBOUNCER_URL";

/// PgBouncer on a port of the loopback interface. Dropping it ends it.
#[derive(Debug)]
pub struct PgBouncer {
    _process: Process,
    url: String,
}

impl PgBouncer {
    /// Starts it in front of the server of a URL, with three connections to share; `None` if it is not
    /// installed.
    ///
    /// # Errors
    /// If it does not start, or the URL is not `postgres://user:password@host:port/database`.
    pub fn start(server: &str) -> io::Result<Option<Self>> {
        if !Path::new(PROGRAM).exists() {
            return Ok(None);
        }
        let Some([user, password, host, to, database]) = parts(server) else {
            return Err(io::Error::other("not the URL of a server with user, password and port"));
        };
        let folder = tempfile::Builder::new().prefix("cloakroom-pgbouncer-").tempdir()?;
        let port = free_port()?;
        let settings = format!(
            "[databases]\n\
             {database} = host={host} port={to} user={user} password={password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\n"
        );
        fs::write(folder.path().join("settings"), settings)?;
        give(folder.path())?;
        let mut program = command(Path::new(PROGRAM));
        program.arg("settings");
        let mut process = Process::start(program, folder)?;
        // On a port of another program it would not have come so far.
        process.wait_for_output(&format!("listening on 127.0.0.1:{port}"))?;
        let url = format!("postgres://{user}@127.0.0.1:{port}/{database}");
        Ok(Some(Self { _process: process, url }))
    }

    /// The one that the tests of this process share, before the server that they share: its URL.
    ///
    /// It ends with this process. `None` if there is none: the reason has been printed.
    ///
    /// # Panics
    /// If it does not start, or is not there although `CLOAKROOM_TEST_REQUIRE` is set.
    pub fn shared() -> Option<&'static str> {
        static SHARED: Served<PgBouncer> = Served::new();
        let start = || Postgres::shared().map_or(Ok(None), Self::start);
        shared(&SHARED, URL, "pgbouncer", start, Self::url)
    }

    /// Where it is: `postgres://user@127.0.0.1:port/database`.
    pub fn url(&self) -> String {
        self.url.clone()
    }
}

/// User, password, host, port and database of a URL.
fn parts(url: &str) -> Option<[&str; 5]> {
    let (user, rest) = url.strip_prefix("postgres://")?.split_once(':')?;
    let (password, rest) = rest.split_once('@')?;
    let (address, database) = rest.split_once('/')?;
    let (host, port) = address.rsplit_once(':')?;
    let database = database.split('?').next()?;
    Some([user, password, host, port, database])
}
