//! MariaDB, as Debian packages it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use crate::janitor::{Served, shared};
use crate::ports::free_port;
use crate::process::Process;
use crate::secret::random_word;
use crate::user::{command, give};

/// Names a server that runs already; its user must be allowed to create databases and users.
const URL: &str = "CLOAKROOM_TEST_MYSQL_URL";
const SERVER: &str = "/usr/sbin/mariadbd";
const INSTALL: &str = "/usr/bin/mariadb-install-db";

/// A MariaDB server on a port of the loopback interface. Dropping it ends it.
///
/// Its user is `cloakroom`, with a random password and all rights; its database is `cloakroom`. It does not wait
/// for the disk: what is tested is the death of processes, not of machines.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    data: Data,
}

/// What stays when the process ends.
#[derive(Debug)]
struct Data {
    port: u16,
    password: String,
    settings: Vec<String>,
}

impl MariaDb {
    /// Starts a server with settings of its own, such as `general_log=1`; `None` if MariaDB is not installed.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(settings: &[&str]) -> io::Result<Option<Self>> {
        if !Path::new(SERVER).exists() || !Path::new(INSTALL).exists() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("cloakroom-mariadb-").tempdir()?;
        let password = random_word()?;
        let users = format!(
            "CREATE DATABASE IF NOT EXISTS cloakroom;\n\
             CREATE USER IF NOT EXISTS cloakroom@'%' IDENTIFIED BY '{password}';\n\
             GRANT ALL ON *.* TO cloakroom@'%' WITH GRANT OPTION;\n\
             ALTER USER root@localhost IDENTIFIED BY '{password}';\n"
        );
        fs::write(folder.path().join("users.sql"), users)?;
        fs::create_dir(folder.path().join("tmp"))?;
        give(folder.path())?;
        let made = command(Path::new(INSTALL))
            .arg("--no-defaults")
            .arg(format!("--datadir={}", folder.path().join("data").display()))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--force"])
            .args(["--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"])
            .current_dir(folder.path())
            .env("TMPDIR", folder.path().join("tmp"))
            .stdin(Stdio::null())
            .output()?;
        if !made.status.success() {
            let said = [made.stdout, made.stderr].concat();
            return Err(io::Error::other(String::from_utf8_lossy(&said).into_owned()));
        }
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let data = Data { port: free_port()?, password, settings };
        StoppedMariaDb { folder, data }.start().map(Some)
    }

    /// The server that the tests of this process share, with the settings as they come: its URL.
    ///
    /// It ends with this process. `None` if there is none: the reason has been printed.
    ///
    /// # Panics
    /// If MariaDB does not start, or is not there although `CLOAKROOM_TEST_REQUIRE` is set.
    pub fn shared() -> Option<&'static str> {
        static SHARED: Served<MariaDb> = Served::new();
        let start = || Self::start(&[]);
        shared(&SHARED, URL, "mariadb-server", start, |this| (this.url(), &this.process))
    }

    /// Where it is: `mysql://user:password@127.0.0.1:port/cloakroom`.
    pub fn url(&self) -> String {
        let Data { port, password, .. } = &self.data;
        format!("mysql://cloakroom:{password}@127.0.0.1:{port}/cloakroom")
    }

    /// Its port of the loopback interface.
    pub fn port(&self) -> u16 {
        self.data.port
    }

    /// The password of its user.
    pub fn password(&self) -> &str {
        &self.data.password
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Stops it (SIGSTOP) until the value is dropped: connections stay open and nothing is answered.
    ///
    /// # Errors
    /// If no signal can be sent, or it still runs after a minute.
    pub fn pause(&self) -> io::Result<PausedMariaDb<'_>> {
        self.process.pause()?;
        Ok(PausedMariaDb(self))
    }

    /// Kills it (SIGKILL), with its data left as it was at that moment.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(self) -> io::Result<StoppedMariaDb> {
        Ok(StoppedMariaDb { folder: self.process.kill()?, data: self.data })
    }
}

/// A server that stands still until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct PausedMariaDb<'a>(&'a MariaDb);

impl Drop for PausedMariaDb<'_> {
    fn drop(&mut self) {
        // Nobody could do more than try.
        let _ = self.0.process.resume();
    }
}

/// The port, the password and the data of a server that was killed.
#[derive(Debug)]
pub struct StoppedMariaDb {
    folder: TempDir,
    data: Data,
}

impl StoppedMariaDb {
    /// Starts it again on the same data and the same port.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(self) -> io::Result<MariaDb> {
        let path = self.folder.path();
        let mut server = command(Path::new(SERVER));
        server
            .arg("--no-defaults")
            .arg(format!("--datadir={}", path.join("data").display()))
            .arg(format!("--socket={}", path.join("socket").display()))
            .arg(format!("--pid-file={}", path.join("pid").display()))
            .arg(format!("--tmpdir={}", path.join("tmp").display()))
            .arg(format!("--init-file={}", path.join("users.sql").display()))
            .arg(format!("--port={}", self.data.port))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=300"])
            // Written at each commit, so that the death of the process undoes nothing.
            .args(["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M"])
            .args(["--innodb-log-file-size=64M", "--console"])
            .args(self.data.settings.iter().map(|setting| format!("--{setting}")));
        let mut process = Process::start(server, self.folder)?;
        process.wait_for_output("ready for connections")?;
        Ok(MariaDb { process, data: self.data })
    }
}
