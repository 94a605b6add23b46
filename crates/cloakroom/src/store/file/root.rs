//! The store's folder: whose it is, who may write to it, and what is in it.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::disk::Disk;
use super::failure::Failure;
use super::namespace::Root;
use crate::error::ErrorKind;

/// The file that makes a folder one of ours, and what is in it.
const FORMAT: &str = "cloakroom";
const VERSION: &str = "cloakroom file store 1\n";
const ANY_VERSION: &str = "cloakroom file store ";

const WRITABLE_BY_OTHERS: u32 = 0o022;
const WRITABLE_BY_ALL: u32 = 0o002;
const OPEN_TO_OTHERS: u32 = 0o077;
const STICKY: u32 = 0o1000;

/// Opens a folder, or makes it, and refuses one that others could have prepared.
pub(super) fn open(path: &Path, disk: Disk) -> Result<Root, Failure> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(refused("the path of the store names no folder; end it with a name"));
    };
    let parent = open_parent(parent)?;
    let Ok(name) = std::str::from_utf8(name.as_bytes()) else {
        return Err(refused("the name of the store's folder is not UTF-8"));
    };
    let made = disk.make_folder(&parent, name).map_err(|error| match error {
        Errno::ACCESS | Errno::PERM | Errno::ROFS => other(
            "the store's folder cannot be made; make it for this user, or let this user write where it is to be",
        ),
        error => Failure::System(error),
    })?;
    let folder = match disk.folder(&parent, name) {
        Err(Errno::NOTDIR | Errno::LOOP) => {
            return Err(refused("the store's folder is a link or a file; name the folder itself"));
        }
        Err(Errno::ACCESS) => return Err(refused(FOREIGN)),
        folder => folder?.ok_or(Failure::System(Errno::NOENT))?,
    };
    check_rights(&folder)?;
    if made {
        disk.sync_folder(&parent)?;
    }
    // Processes that start at once take turns, and a file system without locks is found out.
    let lock = disk.folder(&folder, ".")?.ok_or(Failure::System(Errno::NOENT))?;
    disk.lock(&lock, FlockOperation::LockExclusive).map_err(|_| {
        refused("the file system of the store's folder has no locks; use a local disk")
    })?;
    check_format(&disk, &folder)?;
    make_private(&folder)?;
    drop(lock);
    Ok(Root { disk, folder })
}

const FOREIGN: &str = "the store's folder belongs to another user; name one of this user's own";

fn open_parent(parent: &Path) -> Result<OwnedFd, Failure> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened =
        rustix::fs::openat(CWD, parent, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => other(
                "the folder that the store's folder is to be in does not exist; make it first",
            ),
            error => Failure::System(error),
        })?;
    let mut above = parent.canonicalize().map_err(|_| Failure::System(Errno::NOENT))?;
    let shared = "the store's folder is in one that all users may write to, such as /tmp; choose another place";
    if mode(&rustix::fs::fstat(&opened)?) & WRITABLE_BY_ALL != 0 {
        return Err(refused(shared));
    }
    // Further up it is a danger only where others may put another folder in the place of ours.
    while above.pop() {
        let mode = mode(&rustix::fs::stat(&above)?);
        if mode & WRITABLE_BY_ALL != 0 && mode & STICKY == 0 {
            return Err(refused(shared));
        }
    }
    Ok(opened)
}

fn check_rights(folder: &OwnedFd) -> Result<(), Failure> {
    let stat = rustix::fs::fstat(folder)?;
    if stat.st_uid != geteuid().as_raw() {
        return Err(refused(FOREIGN));
    }
    if mode(&stat) & WRITABLE_BY_OTHERS != 0 {
        return Err(refused(
            "other users may write to the store's folder, and may have; empty it and set its mode to 0700",
        ));
    }
    Ok(())
}

/// Ours, or empty and from now on ours.
fn check_format(disk: &Disk, folder: &OwnedFd) -> Result<(), Failure> {
    match disk.read(folder, FORMAT)? {
        Some(version) if version == VERSION.as_bytes() => return Ok(()),
        Some(version) if version.starts_with(ANY_VERSION.as_bytes()) => {
            return Err(Failure::Other(
                ErrorKind::Corrupt,
                "the store's folder was made by a later version of this library; update the program",
            ));
        }
        Some(_) => return Err(refused(OCCUPIED)),
        None => {}
    }
    let unfinished = format!("{FORMAT}.new");
    let is_ours = |name: &String| [".", "..", unfinished.as_str()].contains(&name.as_str());
    if !disk.names(folder)?.iter().all(is_ours) {
        return Err(refused(OCCUPIED));
    }
    make_private(folder)?;
    disk.replace(folder.as_fd(), &unfinished, FORMAT, VERSION.as_bytes())?;
    Ok(disk.sync_folder(folder)?)
}

const OCCUPIED: &str = "the store's folder holds something else; name a new or an empty one";

fn make_private(folder: &OwnedFd) -> Result<(), Failure> {
    if mode(&rustix::fs::fstat(folder)?) & OPEN_TO_OTHERS != 0 {
        rustix::fs::fchmod(folder, Mode::RWXU)?;
        tracing::warn!(
            store = super::NAME,
            "other users could read the sessions; the folder is now its owner's alone"
        );
    }
    Ok(())
}

#[allow(clippy::unnecessary_cast, reason = "it is 16 bits wide on some systems")]
fn mode(stat: &Stat) -> u32 {
    stat.st_mode as u32
}

fn refused(why: &'static str) -> Failure {
    Failure::Other(ErrorKind::Unsupported, why)
}

fn other(why: &'static str) -> Failure {
    Failure::Other(ErrorKind::Unavailable, why)
}
