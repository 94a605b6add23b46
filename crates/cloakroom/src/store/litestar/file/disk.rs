//! What makes a change outlive a power cut.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(test)]
use super::power_cut;

/// Puts the content of a file, which has this name by now, on the disk.
pub(super) fn sync_file(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    #[cfg(test)]
    power_cut::file_is_synced(path);
    let _ = path;
    Ok(())
}

/// Puts a new name on the disk, which is there when its folder is.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(parent.unwrap_or(Path::new(".")))
}

/// Puts all names of a folder on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    power_cut::fail_if_broken()?;
    File::open(path)?.sync_all()?;
    #[cfg(test)]
    power_cut::folder_is_synced(path);
    Ok(())
}
