//! What a bench asks of an application, and what comes back: a line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A kind of request, and the path of its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// `/untouched`: leaves the session alone.
    Untouched,
    /// `/read`: reads one key, which must be there.
    Read,
    /// `/write`: inserts one key, with a value that was not there before.
    Write,
    /// `/create`: the same without a cookie, so that a session is made.
    Create,
    /// `/cycle`: changes the ID.
    Cycle,
    /// `/destroy`: ends the session.
    Destroy,
}

impl Action {
    /// Where its route is.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Untouched => "/untouched",
            Self::Read => "/read",
            Self::Write => "/write",
            Self::Create => "/create",
            Self::Cycle => "/cycle",
            Self::Destroy => "/destroy",
        }
    }
}

/// What a bench asks of an application.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Make so many sessions of [`KEYS`](crate::KEYS) keys, by `/fill`, and forget those of before.
    Fill(usize),
    /// Write the cookies of the sessions to a file, a line each.
    Cookies(PathBuf),
    /// Serve so many requests one after another, each on another session.
    Once(Action, usize),
    /// Serve requests for so many milliseconds from so many tasks, each with sessions of its own.
    Load(Action, usize, u64),
    /// Serve so many requests on one session at a time, each of which inserts another key by `/write/KEY`; then
    /// count the keys by `/keys`.
    Writers(usize),
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It listens on this port of the loopback interface.
    Listening(u16),
    /// It is done.
    Done,
    /// So many requests a second were served.
    Rate(f64),
    /// So many keys are there.
    Keys(usize),
}
