//! PostgreSQL, as Debian packages it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::ports::free_port;
use crate::process::{Process, send, wait_until_paused};
use crate::secret::random_word;
use crate::shared::{Served, shared};
use crate::user::{command, give};

/// Names a server that runs already; its user must be allowed to create schemas and roles.
const URL: &str = "CLOAKROOM_TEST_POSTGRES_URL";

/// A PostgreSQL server on a port of the loopback interface. Dropping it ends it.
///
/// Its user is `cloakroom`, with a random password. It does not wait for the disk: what is tested is the death
/// of processes, not of machines.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: u16,
    password: String,
}

impl Postgres {
    /// Starts a server with settings of its own, such as `log_statement=all`; `None` if PostgreSQL is not
    /// installed.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(settings: &[&str]) -> io::Result<Option<Self>> {
        let Some(programs) = programs() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("cloakroom-postgres-").tempdir()?;
        let password = random_word()?;
        fs::write(folder.path().join("password"), &password)?;
        let listening = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nwal_init_zero = off\n\
             max_connections = 200\nshared_buffers = 32MB\n{}\n",
            settings.join("\n")
        );
        fs::write(folder.path().join("settings"), listening)?;
        give(folder.path())?;
        let data = folder.path().join("data");
        let made = command(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=cloakroom", "--auth=password", "--encoding=UTF8", "--locale=C"])
            .args(["--pwfile", "password", "--no-sync"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        let conf = data.join("postgresql.conf");
        let text = fs::read_to_string(&conf)?;
        fs::write(&conf, format!("{text}\ninclude '../settings'\n"))?;
        let stopped = StoppedPostgres { folder, port: free_port()?, password };
        stopped.start().map(Some)
    }

    /// The server that the tests of this process share, with the settings as they come: its URL.
    ///
    /// It ends with this process. `None` if there is none: the reason has been printed.
    ///
    /// # Panics
    /// If PostgreSQL does not start, or is not there although `CLOAKROOM_TEST_REQUIRE` is set.
    pub fn shared() -> Option<&'static str> {
        static SHARED: Served<Postgres> = Served::new();
        shared(&SHARED, URL, "postgresql", || Self::start(&[]), Self::url)
    }

    /// Where it is: `postgres://user:password@127.0.0.1:port/postgres`.
    pub fn url(&self) -> String {
        format!("postgres://cloakroom:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    /// Its port of the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of its user.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Stops every process of it (SIGSTOP) until the value is dropped: connections stay open and nothing is
    /// answered.
    ///
    /// # Errors
    /// If no signal can be sent, or a process still runs after a minute.
    pub fn pause(&self) -> io::Result<PausedPostgres<'_>> {
        // Before its children are looked for: it makes none any more once it stands still.
        self.process.pause()?;
        let paused = PausedPostgres(self);
        for child in self.children()? {
            // One that has ended meanwhile cannot be told, and need not be.
            let _ = send("-STOP", child);
            wait_until_paused(child)?;
        }
        Ok(paused)
    }

    /// Kills it (SIGKILL), with its data left as it was at that moment.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(self) -> io::Result<StoppedPostgres> {
        let folder = self.process.kill()?;
        // Its children hold its port and its memory for a moment longer.
        wait_until_unused(&folder.path().join("data"))?;
        Ok(StoppedPostgres { folder, port: self.port, password: self.password })
    }

    /// Its children, which are in sessions of their own, so that no signal to a group reaches them.
    fn children(&self) -> io::Result<Vec<u32>> {
        let parent = self.process.id();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        children.split_whitespace().map(|child| child.parse().map_err(io::Error::other)).collect()
    }
}

/// A server that stands still until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct PausedPostgres<'a>(&'a Postgres);

impl Drop for PausedPostgres<'_> {
    fn drop(&mut self) {
        // Nobody could do more than try.
        for child in self.0.children().unwrap_or_default() {
            let _ = send("-CONT", child);
        }
        let _ = self.0.process.resume();
    }
}

/// The port, the password and the data of a server that was killed.
#[derive(Debug)]
pub struct StoppedPostgres {
    folder: TempDir,
    port: u16,
    password: String,
}

impl StoppedPostgres {
    /// Starts it again on the same data and the same port.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(self) -> io::Result<Postgres> {
        let Some(programs) = programs() else {
            return Err(io::Error::other("PostgreSQL is not installed any more"));
        };
        let data = self.folder.path().join("data");
        let mut server = command(&programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-p").arg(self.port.to_string());
        let mut process = Process::start(server, self.folder)?;
        process.wait_for_output("database system is ready to accept connections")?;
        Ok(Postgres { process, port: self.port, password: self.password })
    }
}

/// Waits until no process works in the data folder any more.
fn wait_until_unused(data: &Path) -> io::Result<()> {
    let data = data.canonicalize()?;
    for _ in 0..6000 {
        let used = fs::read_dir("/proc")?.filter_map(Result::ok).any(|entry| {
            fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == data)
        });
        if !used {
            return Ok(());
        }
        // No event tells that foreign processes have ended.
        thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("the processes of the killed server do not end"))
}

/// Where Debian puts the programs of the newest version.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/postgres").exists() && path.join("bin/initdb").exists())
        .max_by_key(|path| version(path))
        .map(|path| path.join("bin"))
}
