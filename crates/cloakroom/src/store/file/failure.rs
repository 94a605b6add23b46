//! What the file system reports, as errors of this library.

use std::io;

use rustix::io::Errno;

use crate::error::{Error, ErrorKind};

/// Why a call could not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file system refused. It names no path.
    System(Errno),
    /// The change was made, but whether it outlives a power cut is not known.
    NotSynced(Errno),
    /// Anything else, such as a file that is no record.
    Other(ErrorKind, &'static str),
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::System(error)
    }
}

impl Failure {
    /// A file that cannot be read as a session.
    pub(super) const fn not_a_record() -> Self {
        Self::Other(ErrorKind::Corrupt, "a stored file is no session record of this version")
    }

    /// The folder of the store was removed while it was in use.
    pub(super) const fn removed() -> Self {
        Self::Other(
            ErrorKind::Unavailable,
            "the store's folder was removed or replaced; put it back and start again",
        )
    }

    pub(super) fn is_corrupt(&self) -> bool {
        matches!(self, Self::Other(ErrorKind::Corrupt, _))
    }

    pub(super) fn into_error(self) -> Error {
        let (error, message) = match self {
            Self::Other(kind, message) => return Error::new(kind, message),
            Self::NotSynced(error) => (
                error,
                "the disk did not confirm the change, which a power cut may undo; look at the log of the \
                 operating system and try again",
            ),
            Self::System(error) => (error, advice(error)),
        };
        // Made of a number alone, so that no path is in it.
        Error::new(ErrorKind::Unavailable, message).with_source(io::Error::from(error))
    }
}

fn advice(error: Errno) -> &'static str {
    match error {
        Errno::NOSPC | Errno::DQUOT => {
            "the disk is full, or a quota is used up; free some space, and it goes on by itself"
        }
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {
            "the store's folder may not be written; give it to this user, on a file system that takes writes"
        }
        Errno::MFILE | Errno::NFILE => {
            "no more files can be opened; raise the limit of open files (`ulimit -n`)"
        }
        Errno::LOOP | Errno::NOTDIR | Errno::ISDIR => {
            "something of another kind is where the store keeps its files; see what is in its folder"
        }
        Errno::NOENT | Errno::STALE => {
            "a folder of the store was removed while it was in use; try again"
        }
        _ => "the disk did not do what was asked of it; look at the log of the operating system",
    }
}
