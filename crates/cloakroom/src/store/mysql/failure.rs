//! Errors that say what to do and give nothing away.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use mysql_async::{DriverError, Error as Failure, IoError};

use crate::error::{Error, ErrorKind};

/// What an error of the driver is reduced to: the server's own texts quote rows, keys and user names.
#[derive(Debug)]
struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

fn code(error: &Failure) -> Option<u16> {
    match error {
        Failure::Server(error) => Some(error.code),
        _ => None,
    }
}

/// Whether a statement was rolled back because of others, and may be repeated at once: a deadlock, a lock that
/// was not had, a row that changed under a snapshot.
pub(super) fn is_rolled_back(error: &Failure) -> bool {
    matches!(code(error), Some(1020 | 1205 | 1213))
}

/// Whether a row with that key is there.
pub(super) fn is_duplicate(error: &Failure) -> bool {
    code(error) == Some(1062)
}

/// A statement that failed.
pub(super) fn failed(what: &str, error: &Failure) -> Error {
    let advice = match error {
        Failure::Server(error) => advice(error.code),
        error if is_too_large(error) => TOO_LARGE,
        _ => "the connection was lost; the next call opens another",
    };
    let kind = match code(error) {
        // What a column cannot hold.
        Some(1264 | 1265 | 1366 | 1406 | 3988) => ErrorKind::Encode,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("MariaDB or MySQL failed to {what}: {advice}"))
        .with_source(cause(error))
}

/// Whether the driver refused to send so much at once. It says so in words alone.
fn is_too_large(error: &Failure) -> bool {
    match error {
        Failure::Driver(DriverError::PacketTooLarge) => true,
        Failure::Io(IoError::Io(error)) => error.to_string().contains("max_allowed_packet"),
        _ => false,
    }
}

const TOO_LARGE: &str =
    "the session is larger than a packet may be; raise `max_allowed_packet` of the server";

fn advice(code: u16) -> &'static str {
    match code {
        1146 | 1054 => "the table is missing or outdated; run the migrations of this version",
        1142 | 1143 | 1227 | 1370 => {
            "the user may not; run the migrations as one who may create tables, and grant this user what the end \
             of their text says"
        }
        1290 | 1792 | 1836 => "the server is read-only; connect to the primary",
        1317 | 1969 | 3024 => {
            "the statement was cut off; is a `max_statement_time`, or in MySQL a `max_execution_time` set?"
        }
        1049 | 1044 => {
            "there is no such database, or this user may not use it; create it, or correct the URL"
        }
        // MariaDB says no more of a connection that is not encrypted, nor MySQL where it has no key of its own.
        1045 | 1698 => {
            "the user or the password is refused, or a connection without TLS; correct the URL, or see the \
             server's log"
        }
        1820 | 1862 | 3118 | 3955 | 4151 => {
            "the user is locked, or the password has expired; see to it on the server"
        }
        3159 => "the server wants TLS; pass options with it to `MysqlStore::from_opts`",
        1040 | 1203 | 1226 => "the server has no connection left; see its `max_connections`",
        1021 | 1041 | 1114 => "the server has no disk or memory left; see its log",
        1053 | 1047 | 1927 => "the server is shutting down, starting up or not in its cluster",
        1153 => TOO_LARGE,
        1264 | 1265 | 1366 | 1406 | 3988 => {
            "a column cannot hold the value; run the migrations of this version"
        }
        1205 | 1213 => "other statements held the row; is a transaction left open?",
        _ => "see the server's log",
    }
}

/// A connection that could not be opened.
pub(super) fn no_connection(error: &Failure) -> Error {
    const WHAT: &str = "connect";
    match error {
        Failure::Server(_) => failed(WHAT, error),
        Failure::Driver(DriverError::NoClientSslFlagFromServer) => Error::new(
            ErrorKind::Unavailable,
            "the server of MariaDB or MySQL has no TLS, which the options demand; set it up there",
        ),
        _ => Error::new(
            ErrorKind::Unavailable,
            "MariaDB or MySQL cannot be reached; is the server running, and are host and port right?",
        )
        .with_source(cause(error)),
    }
}

/// No connection came free, or none could be opened, in time.
pub(super) fn no_connection_in_time(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "no connection to MariaDB or MySQL was to be had within {limit:?}; is the server running, or are more \
             connections needed?"
        ),
    )
}

/// A statement that was not answered in time. Whether it has taken effect is not known.
pub(super) fn no_answer(what: &str, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "MariaDB or MySQL did not {what} within {limit:?}; is the server overloaded or gone?"
        ),
    )
}

/// The runtime that worked on a statement has ended. Whether it has taken effect is not known.
pub(super) fn no_runtime(what: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "the runtime ended before MariaDB or MySQL could {what}; call within one that runs"
        ),
    )
}

fn cause(error: &Failure) -> Cause {
    Cause(match error {
        Failure::Server(error) => format!("error {} of the server", error.code),
        Failure::Io(IoError::Io(error)) => format!("input/output: {}", error.kind()),
        Failure::Driver(DriverError::ConnectionClosed) => "the connection is closed".to_owned(),
        _ => "an error of the driver".to_owned(),
    })
}
