//! A Litestar application, which shares its sessions with us.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Process;

/// What uvicorn prints before its port, in the line that says that it serves.
const STARTED: &str = "Uvicorn running on http://127.0.0.1:";

/// A Litestar application on a port of its own. Gone when it is dropped.
#[derive(Debug)]
pub struct Litestar {
    _process: Process,
    address: SocketAddr,
}

impl Litestar {
    /// Starts the one that has every session operation as a route, with what its environment says; `None` if
    /// there is no Python with Litestar at `CLOAKROOM_TEST_LITESTAR`, which `cargo xtask test` makes at
    /// `target/litestar`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(environment: &[(&str, &str)]) -> io::Result<Option<Self>> {
        Self::start_application(&root().join("servers/litestar"), "app:app", environment)
    }

    /// Starts an application of a folder, named `module:variable` as uvicorn takes it; otherwise as
    /// [`start`](Self::start).
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_application(
        folder: &Path,
        name: &str,
        environment: &[(&str, &str)],
    ) -> io::Result<Option<Self>> {
        let python = std::env::var_os("CLOAKROOM_TEST_LITESTAR")
            .map_or_else(|| root().join("target/litestar/bin/python"), PathBuf::from);
        if !python.exists() {
            return Ok(None);
        }
        let mut command = Command::new(python);
        command
            .args(["-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", "--no-use-colors"])
            .args(["--no-access-log", "--app-dir"])
            .arg(folder)
            .arg(name)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(environment.iter().copied());
        let mut process = Process::start(command, tempfile::tempdir()?)?;
        // It takes its own port and tells it: one that was free when Python was started may be another's by now.
        process.wait_for_output(" (Press CTRL+C to quit)")?;
        let output = process.output();
        let port = output.split(STARTED).nth(1).and_then(|rest| rest.split(' ').next());
        let Some(port) = port.and_then(|port| port.parse().ok()) else {
            return Err(io::Error::other(format!("uvicorn names no port: {output}")));
        };
        Ok(Some(Self { _process: process, address: (Ipv4Addr::LOCALHOST, port).into() }))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
