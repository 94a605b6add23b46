//! Whoever cleans up behind a process that can no longer do it.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A shell that waits for the end of this process, then ends a server and removes its folder.
///
/// What is killed drops nothing, and what a `static` holds is never dropped, so nothing in this process could do it.
#[derive(Debug)]
pub(crate) struct Janitor {
    shell: Child,
}

impl Janitor {
    pub(crate) fn of(server: u32, folder: &Path) -> io::Result<Self> {
        // The end of its standard input is the end of the process that holds the other half. Ctrl-C reaches the shell as well.
        // QUIT is what PostgreSQL ends its children by, and taken when a paused server goes on; one that has no use for it ignores
        // it where the tests run in a shell's background.
        let script = r#"trap '' HUP INT TERM; read -r _; kill -QUIT "$1"; kill -CONT "$1"
            for _ in 1 2 3 4 5; do kill -0 "$1" && sleep 1; done; kill -KILL "$1"; rm -rf "$2""#;
        let shell = Command::new("sh")
            .args(["-c", script, "sh", &server.to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }
}

/// Its server is to be ended by this process, or is to go on with its folder.
impl Drop for Janitor {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
