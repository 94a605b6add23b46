//! Whoever cleans up behind a server that a whole test process shares.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A shell that waits for the end of this process, then ends a server and removes its folder.
///
/// What a `static` holds is never dropped, so nothing in this process could do it.
#[derive(Debug)]
pub(crate) struct Janitor {
    _shell: Child,
}

impl Janitor {
    pub(crate) fn of(server: u32, folder: &Path) -> io::Result<Self> {
        // The end of its standard input is the end of the process that holds the other half.
        let script = r#"cat; kill -QUIT "$1"; for _ in 1 2 3 4 5; do kill -0 "$1" && sleep 1; done; rm -rf "$2""#;
        let shell = Command::new("sh")
            .args(["-c", script, "sh", &server.to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { _shell: shell })
    }
}
