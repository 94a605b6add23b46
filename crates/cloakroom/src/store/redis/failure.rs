//! What can go wrong between us and a server, and what it is to the caller.

use std::io;
use std::sync::Arc;

use redis::{RedisError, Value};

use super::value;
use crate::error::{Error, ErrorKind};

/// Why a call has no answer.
#[derive(Debug, Clone)]
pub(in crate::store) enum Failure {
    /// None came in time. The call may have taken effect, or may yet.
    Late,
    /// The connection ended first. The call may have taken effect.
    Lost,
    /// The server, or the way to it, refused.
    Refused(RedisError),
    /// The server did it, and too few replicas have said in time that they have it.
    FewReplicas,
    /// Nobody names a server that takes writes.
    NoServer,
    /// A server is on another machine and would be reached without TLS.
    Plaintext,
    /// The answer is none that the command can have.
    Nonsense,
}

/// Where a call belongs.
#[derive(Debug)]
pub(in crate::store) struct Redirect<'a> {
    /// Empty if it is the host that was asked.
    pub(in crate::store) host: &'a str,
    pub(in crate::store) port: u16,
    /// For this call alone, because its slot is on its way.
    pub(in crate::store) once: bool,
}

impl Failure {
    /// Whether the connection is of no use any more: gone, or to a server that does not take writes.
    pub(in crate::store) fn ends_connection(&self) -> bool {
        match self {
            Self::Late | Self::Lost | Self::NoServer => true,
            Self::Refused(error) => {
                error.is_io_error()
                    || error.is_unrecoverable_error()
                    || matches!(code(error), Some("READONLY" | "MASTERDOWN"))
            }
            Self::FewReplicas | Self::Plaintext | Self::Nonsense => false,
        }
    }

    /// Whether the server does not have the script of this hash.
    pub(in crate::store) fn lacks_script(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code() == Some("NOSCRIPT"))
    }

    /// Whether the key is somewhere else, or nowhere for now.
    pub(in crate::store) fn is_moving(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_cluster_error())
    }

    /// Where a server of a Cluster sent the call. It did not run it.
    pub(in crate::store) fn redirect(&self) -> Option<Redirect<'_>> {
        let Self::Refused(error) = self else { return None };
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Redirect { host, port: port.parse().ok()?, once: error.code() == Some("ASK") })
    }

    /// The error of a call that was to do what `tried` says.
    pub(in crate::store) fn into_error(self, tried: &str) -> Error {
        let unavailable = |why: &str| {
            Error::new(ErrorKind::Unavailable, format!("could not {tried}: {why}"))
                .with_store(super::NAME)
        };
        let error = match self {
            Self::Late => {
                return unavailable(
                    "the server did not answer in time; see whether it is overloaded, or raise the \
                     store's timeout",
                );
            }
            Self::Lost => {
                return unavailable("the connection was lost before the answer came; try again");
            }
            Self::FewReplicas => {
                return unavailable(
                    "the server has it, but fewer replicas than are asked for have confirmed it in time; a \
                     failover may undo it",
                );
            }
            Self::NoServer => {
                return unavailable(
                    "no server is known that takes writes for it; a failover may be under way",
                );
            }
            Self::Plaintext => {
                return unavailable(
                    "a server is on another machine and would be sent everything in the clear; use a URL \
                     with TLS, or say `?insecure_plaintext=true`",
                );
            }
            Self::Nonsense => {
                return unavailable("the answer is not one that Redis or Valkey gives");
            }
            Self::Refused(error) => error,
        };
        // The server's own words may quote what it was sent, so only the code is kept.
        match code(&error) {
            Some("WRONGTYPE") => value::corrupt().with_store(super::NAME),
            Some("OOM") => Error::new(
                ErrorKind::StoreFull,
                format!("could not {tried}: the server is at its memory limit; raise `maxmemory`"),
            )
            .with_store(super::NAME),
            Some("NOAUTH" | "WRONGPASS") => {
                unavailable("the server wants other credentials; check the user and the password")
            }
            Some("NOPERM") => unavailable(
                "the user may not do that; it needs GET, SET, DEL, SETRANGE, PEXPIRE, PTTL, EVAL, \
                 EVALSHA, ZADD, ZRANGE, ZREM, ZREMRANGEBYSCORE, SCAN and GETRANGE on `cloakroom*`, and WAIT if \
                 replicas are to confirm writes",
            ),
            Some("READONLY" | "MASTERDOWN") => unavailable(
                "the server takes no writes, as a replica does; a failover may be under way",
            ),
            Some("NOREPLICAS") => unavailable(
                "the server has fewer replicas in time than its `min-replicas-to-write`, and refuses writes",
            ),
            Some("LOADING" | "BUSY" | "CLUSTERDOWN" | "TRYAGAIN") => {
                unavailable("the server is busy or starting; try again")
            }
            Some("MISCONF") => {
                unavailable("the server cannot write to its disk and refuses writes; see its log")
            }
            Some(_) => {
                unavailable("the server refused the command; see that it is Redis 6.2 or later")
            }
            None => {
                let error_kind = error.kind();
                let unavailable = unavailable(
                    "the server cannot be reached; check that it runs and that its address is right",
                );
                match io_kind(&error) {
                    Some(kind) => unavailable.with_source(io::Error::from(kind)),
                    None if error_kind == redis::ErrorKind::AuthenticationFailed => Error::new(
                        ErrorKind::Unavailable,
                        format!(
                            "could not {tried}: the server wants other credentials; check the user \
                             and the password"
                        ),
                    )
                    .with_store(super::NAME),
                    None => unavailable,
                }
            }
        }
    }
}

/// The code of a server's error. Redis before 7.0 wraps what happens inside a script.
fn code(error: &RedisError) -> Option<&str> {
    let code = error.code()?;
    let detail = error.detail().unwrap_or_default();
    let inside =
        ["READONLY", "WRONGTYPE", "OOM", "NOREPLICAS"].into_iter().find(|it| detail.contains(*it));
    if code == "ERR" { inside.or(Some(code)) } else { Some(code) }
}

/// What kind of I/O error it was, without the address that its text may have.
fn io_kind(error: &RedisError) -> Option<io::ErrorKind> {
    let source = std::error::Error::source(error)?;
    let source = source.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
    source.downcast_ref::<io::Error>().map(io::Error::kind)
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            Self::Late
        } else if error.is_connection_dropped() && !error.is_connection_refusal() {
            Self::Lost
        } else {
            Self::Refused(error)
        }
    }
}

/// The answer as bytes, or none.
pub(in crate::store) fn bytes(answer: Value) -> Result<Option<Vec<u8>>, Failure> {
    match answer {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        _ => Err(Failure::Nonsense),
    }
}

/// The answer as a number.
pub(in crate::store) fn number(answer: Value) -> Result<i64, Failure> {
    match answer {
        Value::Int(number) => Ok(number),
        _ => Err(Failure::Nonsense),
    }
}

/// The answer as a list of bytes; a set is one too.
pub(in crate::store) fn list(answer: Value) -> Result<Vec<Vec<u8>>, Failure> {
    match answer {
        Value::Array(values) | Value::Set(values) => {
            values.into_iter().map(|value| bytes(value)?.ok_or(Failure::Nonsense)).collect()
        }
        _ => Err(Failure::Nonsense),
    }
}
