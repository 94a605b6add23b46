//! Servers that refuse to run as root run as a user who owns nothing.

use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Command;

/// The user for such servers: `nobody`, who is on every Linux.
const NOBODY: u32 = 65534;

/// A command that runs as this user, or as `nobody` if this user is root.
pub(crate) fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={NOBODY}"))
        .arg(format!("--regid={NOBODY}"))
        .args(["--clear-groups", "--"])
        .arg(program);
    command
}

/// Gives a folder and the files in it to whom [`command`] runs as.
pub(crate) fn give(folder: &Path) -> io::Result<()> {
    if !is_root() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        chown(entry?.path(), Some(NOBODY), Some(NOBODY))?;
    }
    chown(folder, Some(NOBODY), Some(NOBODY))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
