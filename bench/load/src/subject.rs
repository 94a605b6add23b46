//! The side of the bench.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{Answer, Order};

/// A program that serves an application, started for a bench. Dropping it ends it.
#[derive(Debug)]
pub struct Subject {
    program: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Subject {
    /// Starts a program, and waits until it listens.
    ///
    /// # Panics
    /// If it cannot be started, or ends before it listens.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let mut program = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        let orders = program.stdin.take().unwrap();
        let answers = BufReader::new(program.stdout.take().unwrap());
        let mut subject = Self { program, orders, answers, port: 0 };
        let Answer::Listening(port) = subject.answer() else { panic!("it does not listen") };
        subject.port = port;
        subject
    }

    /// Its port on the loopback interface.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has an order carried out.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn order(&mut self, order: &Order) -> Answer {
        let line = serde_json::to_string(order).unwrap();
        writeln!(self.orders, "{line}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the program has ended");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
