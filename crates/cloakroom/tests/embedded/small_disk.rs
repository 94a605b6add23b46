//! A small file system in memory.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Two megabytes, mounted at a folder of its own and gone when it is dropped.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, which is printed, if this user may not mount.
    #[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
    pub(crate) fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs"])
            .arg(folder.path())
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        println!("skipped: this user may not mount a small file system");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
