//! nginx: a reverse proxy whose configuration is changed while it serves.

use std::fs;
use std::io;
use std::path::Path;

use crate::process::Process;
use crate::user::{command, give};

const PROGRAM: &str = "/usr/sbin/nginx";

/// What its master prints of each worker at its start, and at its end.
const STARTED: &str = "start worker process ";
const ENDED: &str = " exited with code ";
const REFUSED: &str = "[emerg]";

/// nginx in a folder of its own. Ended when it is dropped.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
}

impl Nginx {
    /// Starts it with the files of its configuration, of which one is `nginx.conf`, and waits until it serves;
    /// `None` if it is not installed. Paths in the configuration are relative to its folder.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(files: &[(&str, &str)]) -> io::Result<Option<Self>> {
        if !Path::new(PROGRAM).exists() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("cloakroom-nginx-").tempdir()?;
        write(folder.path(), files)?;
        let mut program = command(Path::new(PROGRAM));
        program
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder.path())
            // In the foreground, and telling what becomes of its workers.
            .args(["-g", "daemon off; pid nginx.pid; error_log stderr notice;"]);
        let mut process = Process::start(program, folder)?;
        // It listens by then, and on a port of another program it would not have come so far.
        process.wait_for_output(STARTED)?;
        Ok(Some(Self { process }))
    }

    /// Writes files of the configuration anew and lets it take them; returns when the workers of the old one
    /// are gone. No connection is refused meanwhile.
    ///
    /// # Errors
    /// If it refuses the configuration; it then goes on with the old one.
    pub fn reload(&mut self, files: &[(&str, &str)]) -> io::Result<()> {
        let workers = self.count(STARTED);
        let refusals = self.count(REFUSED);
        write(self.process.folder(), files)?;
        self.process.signal("-HUP")?;
        self.process.wait_until("takes its configuration", |process| {
            let output = process.output();
            output.matches(ENDED).count() >= workers || output.matches(REFUSED).count() > refusals
        })?;
        let output = self.process.output();
        match output.lines().filter(|line| line.contains(REFUSED)).nth(refusals) {
            Some(line) => Err(io::Error::other(format!("nginx refuses its configuration: {line}"))),
            None => Ok(()),
        }
    }

    fn count(&self, what: &str) -> usize {
        self.process.output().matches(what).count()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, it would leave its workers behind.
        self.process.terminate();
    }
}

fn write(folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    for (name, text) in files {
        fs::write(folder.join(name), text)?;
    }
    give(folder)
}
