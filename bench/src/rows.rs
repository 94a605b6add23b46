//! The rows: which request, on which session.

use http::Request;
use http::header::{COOKIE, SET_COOKIE};

use crate::services::{Action, Bench, Do, call};

/// A kind of request.
#[derive(Debug)]
pub struct Row {
    /// How to name it on a command line and in a file.
    pub id: &'static str,
    /// How to name it in a table.
    pub name: &'static str,
    /// What its handler does.
    pub action: Action,
    /// Keys, and bytes of each, that the session holds before; `None` is a request without our cookie.
    pub session: Option<(usize, usize)>,
    /// Cookies of others before ours.
    pub others: usize,
    /// Whether each access renews the session.
    pub renewal: bool,
    /// Most allocations added.
    pub allocations: i64,
    /// The largest ratio to the peer's time.
    pub ratio: f64,
}

const SMALL: Option<(usize, usize)> = Some((4, 25));
const LARGE: Option<(usize, usize)> = Some((64, 1024));

/// All of them, in the order of the tables.
pub const ROWS: [Row; 10] = [
    Row {
        id: "untouched",
        name: "untouched, no cookie",
        action: Action::Nothing,
        session: None,
        others: 0,
        renewal: false,
        allocations: 4,
        ratio: 0.35,
    },
    Row {
        id: "untouched-9",
        name: "untouched, our cookie among 9",
        action: Action::Nothing,
        session: SMALL,
        others: 8,
        renewal: false,
        allocations: 4,
        ratio: 0.15,
    },
    Row {
        id: "read-4",
        name: "read one key, 4 keys / 100 B",
        action: Action::Read,
        session: SMALL,
        others: 0,
        renewal: false,
        allocations: 9,
        ratio: 0.30,
    },
    Row {
        id: "read-4-9",
        name: "the same, our cookie among 9",
        action: Action::Read,
        session: SMALL,
        others: 8,
        renewal: false,
        allocations: 9,
        ratio: 0.30,
    },
    Row {
        id: "read-64",
        name: "read one key, 64 keys / 64 KiB",
        action: Action::Read,
        session: LARGE,
        others: 0,
        renewal: false,
        allocations: 9,
        ratio: 0.03,
    },
    Row {
        id: "write",
        name: "write one key, 4 keys / 100 B",
        action: Action::Write,
        session: SMALL,
        others: 0,
        renewal: false,
        allocations: 20,
        ratio: 0.40,
    },
    Row {
        id: "write-9",
        name: "the same, our cookie among 9",
        action: Action::Write,
        session: SMALL,
        others: 8,
        renewal: false,
        allocations: 20,
        ratio: 0.40,
    },
    Row {
        id: "create",
        name: "create",
        action: Action::Write,
        session: None,
        others: 0,
        renewal: false,
        allocations: 18,
        ratio: 0.65,
    },
    Row {
        id: "renew",
        name: "read, renewal on every access",
        action: Action::Read,
        session: SMALL,
        others: 0,
        renewal: true,
        allocations: 10,
        ratio: 0.15,
    },
    Row {
        id: "renew-9",
        name: "the same, our cookie among 9",
        action: Action::Read,
        session: SMALL,
        others: 8,
        renewal: true,
        allocations: 10,
        ratio: 0.15,
    },
];

impl Row {
    /// Puts the session of this row into the service, and gives the `Cookie` header of its requests.
    pub fn prepare(&self, service: &mut Bench) -> String {
        let Some((keys, bytes)) = self.session else { return String::new() };
        let mut cookie: String = (0..self.others).map(|n| format!("other{n}=value{n}; ")).collect();
        let response = call(service, request(Action::Fill(keys, bytes), 0, ""));
        if let Some(line) = response.headers().get(SET_COOKIE) {
            cookie.push_str(line.to_str().unwrap().split(';').next().unwrap());
        }
        cookie
    }

    /// One request of this row, the one of this number.
    #[must_use]
    pub fn request(&self, cookie: &str, turn: u64) -> Request<()> {
        request(self.action, turn, cookie)
    }
}

fn request(action: Action, turn: u64, cookie: &str) -> Request<()> {
    let mut request = Request::get("/");
    if !cookie.is_empty() {
        request = request.header(COOKIE, cookie);
    }
    // Through extensions for all three alike, so that the map of extensions is there already.
    request.extension(Do(action, turn)).body(()).unwrap()
}
