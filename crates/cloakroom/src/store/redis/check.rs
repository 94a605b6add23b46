//! Whether a server is one to keep sessions on.

use redis::Value;

use super::call::Call;
use super::failure::Failure;
use super::{NAME, RedisStore};
use crate::error::{Error, ErrorKind, Result};

/// The policy by which a server that is full refuses, and drops nothing.
const KEEPS_ALL: &str = "noeviction";

impl RedisStore {
    /// Asks each server whether it keeps what it is given: for a deployment's own checks, and at each
    /// [`connect`](Self::connect), which warns.
    ///
    /// A server with a memory limit and any `maxmemory-policy` but `noeviction` drops sessions when it is full, and with
    /// them the memory of why others ended. Their visitors are signed out; a session that ended never comes back by it.
    ///
    /// # Errors
    /// - [`ErrorKind::Unsupported`] if one drops keys when it is full.
    /// - [`ErrorKind::Unavailable`] if it cannot be asked: it needs the right to `INFO`.
    pub async fn check(&self) -> Result<()> {
        let failed = |failure: Failure| failure.into_error("ask a server for its settings");
        for link in self.server.all().await.map_err(failed)? {
            let mut command = redis::cmd("INFO");
            command.arg("memory");
            let answer = link.call(Call::of_server(command)).await.map_err(failed)?;
            let info = text(&answer).ok_or_else(|| failed(Failure::Nonsense))?;
            if drops_keys(info) {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the server drops keys when it is full, and sessions with them; set `maxmemory-policy noeviction`",
                )
                .with_store(NAME));
            }
        }
        Ok(())
    }

    /// The same at the start, where it is no reason not to.
    pub(super) async fn warn(&self) {
        match self.check().await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                tracing::warn!(store = NAME, %error, "sessions may be lost");
            }
            Err(error) => tracing::debug!(store = NAME, %error, "the server was not checked"),
        }
    }
}

fn text(answer: &Value) -> Option<&str> {
    match answer {
        Value::VerbatimString { text, .. } => Some(text),
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// Whether the section `memory` of `INFO` says that keys are dropped at a limit, and that there is one.
fn drops_keys(info: &str) -> bool {
    let field = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let is_limited = field("maxmemory").is_some_and(|limit| limit != "0");
    is_limited && field("maxmemory_policy").is_some_and(|policy| policy != KEEPS_ALL)
}

#[cfg(test)]
mod tests {
    use super::drops_keys;

    #[test]
    fn s_098_a_server_that_drops_keys_is_known_by_its_limit_and_its_policy() {
        let info = |limit: &str, policy: &str| {
            format!(
                "# Memory\r\nmaxmemory:{limit}\r\nmaxmemory_human:1M\r\nmaxmemory_policy:{policy}\r\n"
            )
        };
        for policy in ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"] {
            assert!(drops_keys(&info("1000000", policy)), "{policy}");
            assert!(!drops_keys(&info("0", policy)), "{policy}");
        }
        assert!(!drops_keys(&info("1000000", "noeviction")));
        assert!(!drops_keys(""));
    }
}
