//! Certificates for servers of tests, by the `openssl` program.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// An authority nobody knows, and a certificate of it for `127.0.0.1` but not for `localhost`. Gone when it is
/// dropped.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes them; `None` if `openssl` is not installed.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn make() -> io::Result<Option<Self>> {
        let made = Self { folder: tempfile::tempdir()? };
        let authority = made.openssl(&[
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-subj",
            "/CN=authority of a test",
        ]);
        match authority {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            authority => authority?,
        }
        made.openssl(&[
            "-keyout",
            "server.key",
            "-out",
            "server.pem",
            "-subj",
            "/CN=server of a test",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])?;
        Ok(Some(made))
    }

    /// The authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The server's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    /// The server's key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }

    fn openssl(&self, arguments: &[&str]) -> io::Result<()> {
        let common = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let output = Command::new("openssl")
            .current_dir(self.folder.path())
            .args(common)
            .args(["-nodes", "-days", "2"])
            .args(arguments)
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}
