//! Where commands go: to one server, or to the one of a Cluster that has the slot.

use redis::{Cmd, Value};

use super::failure::Failure;
use super::link::Link;
use super::scripts::Script;

/// All servers of a store.
#[derive(Debug)]
pub(super) enum Server {
    /// One that has all keys.
    Single(Link),
}

impl Server {
    /// Sends a command to where its key is.
    pub(super) async fn call(&self, command: Cmd) -> Result<Value, Failure> {
        match self {
            Self::Single(link) => link.call(command).await,
        }
    }

    /// Sends commands that each have one key, in one go where it can.
    pub(super) async fn call_all(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Single(link) => link.call_all(commands).await,
        }
    }

    /// Whether one script can reach any two keys.
    pub(super) fn has_one_slot(&self) -> bool {
        match self {
            Self::Single(_) => true,
        }
    }

    /// Runs a script by its hash, and with its text where the server does not have it.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Result<Value, Failure> {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        match self.call(command("EVALSHA", &script.hash)).await {
            Err(failure) if failure.lacks_script() => {
                self.call(command("EVAL", &script.text)).await
            }
            answer => answer,
        }
    }
}
