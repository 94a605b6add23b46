//! Which program a MySQL server is, and what its kind wants to be told.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::user::command;

/// Names another program to start: the `mysqld` of MySQL, by its whole path. If it is not there, that is a failure.
const PROGRAM: &str = "CLOAKROOM_TEST_MYSQL_SERVER";
const MARIADB: &str = "/usr/sbin/mariadbd";
const INSTALL: &str = "/usr/bin/mariadb-install-db";

/// The program of a server.
#[derive(Debug)]
pub(crate) enum Program {
    MariaDb,
    Mysql(PathBuf),
}

impl Program {
    /// The one that is named, or MariaDB's if that is installed.
    pub(crate) fn find() -> io::Result<Option<Self>> {
        let named = std::env::var_os(PROGRAM).filter(|name| !name.is_empty());
        let Some(path) = named.map(PathBuf::from) else {
            let installed = Path::new(MARIADB).exists() && Path::new(INSTALL).exists();
            return Ok(installed.then_some(Self::MariaDb));
        };
        // MariaDB comes with a program of this name too.
        let version = said(Command::new(&path).args(["--no-defaults", "--version"]))?;
        if version.contains("MariaDB") {
            return Err(io::Error::other(format!("{PROGRAM} names MariaDB's program: {version}")));
        }
        Ok(Some(Self::Mysql(path)))
    }

    /// Makes the data of a server that has never run, whose user is `root` without a password.
    pub(crate) fn make_data(&self, folder: &Path) -> io::Result<()> {
        let mut making = match self {
            Self::MariaDb => {
                let mut install = command(Path::new(INSTALL));
                install
                    .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                    .args(["--skip-test-db", "--force", "--skip-name-resolve"])
                    .arg("--innodb-flush-log-at-trx-commit=0")
                    .arg(data(folder));
                install
            }
            Self::Mysql(_) => {
                let mut server = self.command(folder);
                server.arg("--initialize-insecure");
                server
            }
        };
        said(making.current_dir(folder).env("TMPDIR", folder.join("tmp"))).map(drop)
    }

    /// A server on the data of a folder, with what its kind alone understands.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut server = match self {
            Self::MariaDb => command(Path::new(MARIADB)),
            Self::Mysql(path) => command(path),
        };
        server.arg("--no-defaults").arg(data(folder));
        match self {
            Self::MariaDb => server.arg("--innodb-log-file-size=64M"),
            // The other protocol has a port of its own, and the folder of files is not there where nothing was installed.
            Self::Mysql(_) => server.args(["--mysqlx=OFF", "--secure-file-priv=NULL"]),
        };
        server
    }
}

fn data(folder: &Path) -> String {
    format!("--datadir={}", folder.join("data").display())
}

/// What a program says that ends by itself.
fn said(program: &mut Command) -> io::Result<String> {
    let output = program.stdin(Stdio::null()).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(io::Error::other(said)) }
}
