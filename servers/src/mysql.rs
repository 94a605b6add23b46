//! MariaDB, as Debian packages it, or MySQL in its place.

use std::fs;
use std::io;

use tempfile::TempDir;

use crate::mysql_program::Program;
use crate::ports::free_port;
use crate::process::Process;
use crate::secret::random_word;
use crate::shared::{Served, shared};
use crate::user::give;

/// Names a server that runs already; its user must be allowed to create databases and users.
const URL: &str = "CLOAKROOM_TEST_MYSQL_URL";

/// A MariaDB server on a port of the loopback interface, or one of MySQL if `CLOAKROOM_TEST_MYSQL_SERVER` names its
/// program. Dropping it ends it.
///
/// Its user is `cloakroom`, with a random password and all rights; its database is `cloakroom`. It does not wait
/// for the disk: what is tested is the death of processes, not of machines.
#[derive(Debug)]
pub struct MysqlServer {
    process: Process,
    data: Data,
}

/// What stays when the process ends.
#[derive(Debug)]
struct Data {
    program: Program,
    port: u16,
    password: String,
    settings: Vec<String>,
}

impl MysqlServer {
    /// Starts a server with settings of its own, such as `general_log=1`; `None` if MariaDB is not installed,
    /// and no other program named.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(settings: &[&str]) -> io::Result<Option<Self>> {
        let Some(program) = Program::find()? else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("cloakroom-mysql-").tempdir()?;
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
        program.make_data(folder.path())?;
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let data = Data { program, port: free_port()?, password, settings };
        StoppedMysql { folder, data }.start().map(Some)
    }

    /// The server that the tests of this process share, with the settings as they come: its URL.
    ///
    /// It ends with this process. `None` if there is none: the reason has been printed.
    ///
    /// # Panics
    /// If it does not start, or is not there although `CLOAKROOM_TEST_REQUIRE` is set.
    pub fn shared() -> Option<&'static str> {
        static SHARED: Served<MysqlServer> = Served::new();
        let start = || Self::start(&[]);
        shared(&SHARED, URL, "mariadb-server", start, Self::url)
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
    pub fn pause(&self) -> io::Result<PausedMysql<'_>> {
        self.process.pause()?;
        Ok(PausedMysql(self))
    }

    /// Kills it (SIGKILL), with its data left as it was at that moment.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(self) -> io::Result<StoppedMysql> {
        Ok(StoppedMysql { folder: self.process.kill()?, data: self.data })
    }
}

/// A server that stands still until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct PausedMysql<'a>(&'a MysqlServer);

impl Drop for PausedMysql<'_> {
    fn drop(&mut self) {
        // Nobody could do more than try.
        let _ = self.0.process.resume();
    }
}

/// The port, the password and the data of a server that was killed.
#[derive(Debug)]
pub struct StoppedMysql {
    folder: TempDir,
    data: Data,
}

impl StoppedMysql {
    /// Starts it again on the same data and the same port.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(self) -> io::Result<MysqlServer> {
        let path = self.folder.path();
        let mut server = self.data.program.command(path);
        server
            .arg(format!("--socket={}", path.join("socket").display()))
            .arg(format!("--pid-file={}", path.join("pid").display()))
            .arg(format!("--tmpdir={}", path.join("tmp").display()))
            .arg(format!("--init-file={}", path.join("users.sql").display()))
            .arg(format!("--port={}", self.data.port))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=300"])
            // Written at each commit, so that the death of the process undoes nothing.
            .args(["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M"])
            .arg("--console")
            .args(self.data.settings.iter().map(|setting| format!("--{setting}")));
        let mut process = Process::start(server, self.folder)?;
        process.wait_for_output("ready for connections")?;
        Ok(MysqlServer { process, data: self.data })
    }
}
