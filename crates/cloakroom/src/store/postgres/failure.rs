//! Errors that say what to do and give nothing away.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

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

/// Whether a statement was rolled back because of others, and may be repeated at once.
pub(super) fn is_rolled_back(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    })
}

/// A statement that failed.
pub(super) fn failed(what: &str, error: &tokio_postgres::Error) -> Error {
    let advice = match error.code() {
        None => "the connection was lost; the next call opens another",
        Some(code) => advice(code),
    };
    let kind = match error.code() {
        Some(code) if code.code().starts_with("22") => ErrorKind::Encode,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("PostgreSQL failed to {what}: {advice}")).with_source(cause(error))
}

fn advice(code: &SqlState) -> &'static str {
    match code.code() {
        "42P01" | "42703" | "3F000" => {
            "the table is missing or outdated; run the migrations of this version"
        }
        "42501" => {
            "the role may not; run the migrations as the owner of the schema, and grant this role what the end \
             of their text says"
        }
        "25006" => "the server is read-only; connect to the primary",
        "57014" => "the statement was cancelled; is a `statement_timeout` set?",
        "3D000" => "there is no such database; create it, or correct the URL",
        code if code.starts_with("28") => "the role or its password is refused; correct the URL",
        code if code.starts_with("22") => {
            "the database cannot hold the text; create it with the encoding UTF8"
        }
        code if code.starts_with("53") => {
            "the server has no connection, memory or disk left; see its log"
        }
        code if code.starts_with("57") => "the server is shutting down or starting up",
        _ => "see the server's log",
    }
}

/// A pool that gave no connection.
pub(super) fn no_connection(error: &PoolError) -> Error {
    let what = "connect";
    match error {
        PoolError::Backend(error) if error.code().is_some() => failed(what, error),
        PoolError::Backend(error) => Error::new(
            ErrorKind::Unavailable,
            "PostgreSQL cannot be reached; is the server running, and are host and port right?",
        )
        .with_source(cause(error)),
        PoolError::Closed => Error::new(
            ErrorKind::Unavailable,
            "the pool of connections to PostgreSQL was closed by the application",
        ),
        _ => Error::new(ErrorKind::Unavailable, "the pool gave no connection to PostgreSQL"),
    }
}

/// No connection came free, or none could be opened, in time.
pub(super) fn no_connection_in_time(limit: Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "no connection to PostgreSQL was to be had within {limit:?}; is the server running, or are more \
             connections needed?"
        ),
    )
}

/// A statement that was not answered in time. Whether it has taken effect is not known.
pub(super) fn no_answer(what: &str, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("PostgreSQL did not {what} within {limit:?}; is the server overloaded or gone?"),
    )
}

fn cause(error: &tokio_postgres::Error) -> Cause {
    if let Some(code) = error.code() {
        return Cause(format!("SQLSTATE {}", code.code()));
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Cause(format!("input/output: {}", error.kind()));
        }
        source = error.source();
    }
    if error.is_closed() {
        return Cause("the connection is closed".to_owned());
    }
    Cause("an error of the driver".to_owned())
}
