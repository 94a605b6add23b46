//! A command on its way.

use redis::{Arg, Cmd, Pipeline};

use super::scripts::Script;

/// A command about one key.
#[derive(Debug, Clone)]
pub(in crate::store) struct Call {
    command: Cmd,
    /// Which of its arguments is the key.
    key: usize,
    /// Whether it is a script, which may write.
    is_script: bool,
    /// Whether a server of a Cluster is to take it although the slot is still on its way there.
    asking: bool,
}

impl Call {
    /// A command with the key next; the caller adds what else it takes.
    pub(in crate::store) fn new(name: &str, key: &[u8]) -> Self {
        let mut command = redis::cmd(name);
        command.arg(key);
        Self { command, key: 1, is_script: false, asking: false }
    }

    /// A script by its hash, or with its text.
    pub(super) fn script(
        script: &Script,
        with_text: bool,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Self {
        let (name, script) =
            if with_text { ("EVAL", &script.text) } else { ("EVALSHA", &script.hash) };
        let mut command = redis::cmd(name);
        command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
        Self { command, key: 3, is_script: true, asking: false }
    }

    /// A command about no key, for one server.
    pub(super) fn of_server(command: Cmd) -> Self {
        Self { command, key: usize::MAX, is_script: false, asking: false }
    }

    /// The question which server of a Cluster has which slot.
    pub(super) fn cluster_slots() -> Self {
        let mut command = redis::cmd("CLUSTER");
        command.arg("SLOTS");
        Self::of_server(command)
    }

    /// Adds an argument.
    pub(in crate::store) fn arg(mut self, argument: impl redis::ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }

    /// The same call, to a server that its slot is on its way to.
    pub(super) fn asking(mut self) -> Self {
        self.asking = true;
        self
    }

    /// Whether it may write.
    pub(super) fn is_script(&self) -> bool {
        self.is_script
    }

    /// The key; empty if there is none.
    pub(super) fn key(&self) -> &[u8] {
        match self.command.args_iter().nth(self.key) {
            Some(Arg::Simple(key)) => key,
            _ => &[],
        }
    }

    /// Adds it to a pipeline, as one answer.
    pub(super) fn add_to(self, pipeline: &mut Pipeline) {
        if self.asking {
            pipeline.cmd("ASKING").ignore();
        }
        pipeline.add_command(self.command);
    }
}
