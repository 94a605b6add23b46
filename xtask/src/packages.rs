//! Debian packages that a task needs.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// A package, and a program of it by which to see whether it is there.
type Package = (&'static str, &'static str);

const MARIADB: Package = ("mariadb-server", "/usr/sbin/mariadbd");
const NGINX: Package = ("nginx", "/usr/sbin/nginx");
/// Not its folder, which the client alone makes too.
const POSTGRES: Package = ("postgresql", "/usr/bin/pg_ctlcluster");
const PYTHON: Package = ("python3-venv", "/usr/share/doc/python3-venv");
const REDIS: Package = ("redis-server", "/usr/bin/redis-server");

/// The browser and the servers of the tests.
pub(crate) const TESTS: &[Package] = &[
    ("chromium", "/usr/bin/chromium"),
    ("chromium-driver", "/usr/bin/chromedriver"),
    MARIADB,
    NGINX,
    ("openssl", "/usr/bin/openssl"),
    ("pgbouncer", "/usr/sbin/pgbouncer"),
    POSTGRES,
    PYTHON,
    REDIS,
];
/// The servers of the benches of stores, and what loads them.
pub(crate) const STORES: &[Package] = &[MARIADB, POSTGRES, REDIS, ("wrk", "/usr/bin/wrk")];
/// What the example of a move from Litestar starts.
pub(crate) const MIGRATION: &[Package] = &[NGINX, PYTHON, REDIS];
/// What counts instructions.
pub(crate) const COUNTER: &[Package] = &[("valgrind", "/usr/bin/valgrind")];

/// Installs what is missing if this user may; otherwise says what to install.
pub(crate) fn install(packages: &[Package]) -> Result<(), Failure> {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|(_, program)| !Path::new(program).exists())
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = ["install", "--yes", "--no-install-recommends"];
    let arguments: Vec<&str> = install.iter().chain(&missing).copied().collect();
    if !(apt_get(&["update"]) && apt_get(&arguments)) {
        return Err(Failure::new(format!(
            "this task needs Debian packages that could not be installed; run: sudo apt-get install {}",
            missing.join(" ")
        )));
    }
    Ok(())
}

/// As root, or by a `sudo` that asks for no password.
fn apt_get(arguments: &[&str]) -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let mut command = if root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    };
    eprintln!("xtask: apt-get {}", arguments.join(" "));
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
