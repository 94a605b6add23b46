//! The programs that are measured.

use std::path::PathBuf;
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

    /// The application with sessions of ours and of the peer's, each on a store of its own or on one that both
    /// use; every session is there.
    pub(crate) fn both(&self, stores: [&str; 2], renewal: bool) -> [Subject; 2] {
        let mut number = 0;
        [&self.ours, &self.peer].map(|program| {
            let mut command = Command::new(program);
            command.args(["--store", stores[number]]);
            number += 1;
            if renewal {
                command.arg("--renewal");
            }
            let mut subject = Subject::start(&mut command);
            subject.order(&Order::Fill(SESSIONS));
            subject
        })
    }
}
