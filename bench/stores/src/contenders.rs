//! The programs that are measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use cloakroom_bench_load::{Order, Subject};

/// Sessions of each application.
pub(crate) const SESSIONS: usize = 1024;

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    ours: PathBuf,
    peer: PathBuf,
}

impl Programs {
    /// Ours is beside this program.
    pub(crate) fn new(peer: PathBuf) -> Self {
        Self { ours: std::env::current_exe().unwrap().with_file_name("ours"), peer }
    }

    /// The application without sessions.
    pub(crate) fn bare(&self) -> Subject {
        Subject::start(&mut Command::new(&self.ours))
    }

    /// The application with sessions of ours, all of which are there.
    pub(crate) fn ours(&self, store: &str) -> Subject {
        filled(&self.ours, store, false)
    }

    /// The application with sessions of ours and of the peer's, each on a store of its own or on one that both
    /// use; every session is there.
    pub(crate) fn both(&self, [ours, peer]: [&str; 2], renewal: bool) -> [Subject; 2] {
        [filled(&self.ours, ours, renewal), filled(&self.peer, peer, renewal)]
    }
}

fn filled(program: &Path, store: &str, renewal: bool) -> Subject {
    let mut command = Command::new(program);
    command.args(["--store", store]).args(renewal.then_some("--renewal"));
    let mut subject = Subject::start(&mut command);
    subject.order(&Order::Fill(SESSIONS));
    subject
}
