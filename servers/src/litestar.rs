//! A Litestar application, which shares its sessions with us.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use crate::{Process, free_port};

/// The application of `examples/litestar-migration`, on a port of its own. Gone when it is dropped.
#[derive(Debug)]
pub struct Litestar {
    _process: Process,
    address: SocketAddr,
}

impl Litestar {
    /// Starts it with what its environment says; `None` if there is no Python with Litestar at
    /// `CLOAKROOM_TEST_LITESTAR`, which `cargo xtask test` makes at `target/litestar`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(environment: &[(&str, &str)]) -> io::Result<Option<Self>> {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let python = std::env::var_os("CLOAKROOM_TEST_LITESTAR")
            .map_or_else(|| root.join("target/litestar/bin/python"), PathBuf::from);
        if !python.exists() {
            return Ok(None);
        }
        let port = free_port()?;
        let mut command = Command::new(python);
        command
            .args(["-m", "uvicorn", "--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--no-access-log", "--app-dir"])
            .arg(root.join("examples/litestar-migration"))
            .arg("app:app")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(environment.iter().copied());
        let mut process = Process::start(command, tempfile::tempdir()?)?;
        process.wait_for_port(port)?;
        Ok(Some(Self { _process: process, address: (Ipv4Addr::LOCALHOST, port).into() }))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
