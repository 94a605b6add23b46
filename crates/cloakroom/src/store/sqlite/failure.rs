//! What SQLite reports, as errors of this library.

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// Why a call could not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite refused.
    Sqlite(rusqlite::Error),
    /// Anything else, such as a row that is no record.
    Other(ErrorKind, &'static str),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        // Else a column is of an unexpected type. The error is dropped, since it may quote what was there.
        if error.sqlite_error().is_some() { Self::Sqlite(error) } else { Self::not_a_record() }
    }
}

impl Failure {
    /// A row that cannot be read.
    pub(super) const fn not_a_record() -> Self {
        Self::Other(ErrorKind::Corrupt, "a stored row is no session record of this version")
    }

    /// Whether another connection holds a lock, so that the same will work in a moment.
    pub(super) fn is_busy(&self) -> bool {
        matches!(
            self.code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::FileLockingProtocolFailed
            )
        )
    }

    /// Whether the connection cannot be trusted to work again by itself.
    pub(super) fn breaks_connection(&self) -> bool {
        matches!(
            self.code(),
            Some(
                ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::PermissionDenied
                    | ErrorCode::InternalMalfunction
            )
        )
    }

    /// The error for a caller. Several callers may share a failure.
    pub(super) fn to_error(&self) -> Error {
        match self {
            Self::Other(kind, message) => Error::new(*kind, *message),
            Self::Sqlite(error) => {
                let told = Error::new(ErrorKind::Unavailable, advice(self.code()));
                // Its code alone: the text of SQLite may name files and quote what was stored.
                match error.sqlite_error() {
                    Some(code) => told.with_source(*code),
                    None => told,
                }
            }
        }
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Other(..) => None,
        }
    }
}

fn advice(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => "another process kept the database locked; try again",
        Some(ErrorCode::DiskFull) => {
            "the disk is full, or a quota is used up; free some space, and it goes on by itself"
        }
        Some(ErrorCode::CannotOpen) => {
            "the database cannot be opened; see that its folder exists and that this user may write there"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the database may not be written; give this user the right to write the file and its folder"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the database file is damaged; restore it from a backup, or move it away to begin anew"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk did not do what was asked of it; look at the log of the operating system"
        }
        _ => "the database refused a statement; its code is the source of this error",
    }
}
