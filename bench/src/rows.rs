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
pub const ROWS: [Row; 7] = [
    Row {
        id: "untouched",
        name: "untouched, no cookie",
        action: Action::Nothing,
        session: None,
        renewal: false,
        allocations: 4,
        ratio: 0.35,
    },
    Row {
        id: "untouched-9",
        name: "untouched, our cookie among 9",
        action: Action::Nothing,
        session: SMALL,
        renewal: false,
        allocations: 4,
        ratio: 0.15,
    },
    Row {
        id: "read-4",
        name: "read one key, 4 keys / 100 B",
        action: Action::Read,
        session: SMALL,
        renewal: false,
        allocations: 9,
        ratio: 0.30,
    },
    Row {
        id: "read-64",
        name: "read one key, 64 keys / 64 KiB",
        action: Action::Read,
        session: LARGE,
        renewal: false,
        allocations: 9,
        ratio: 0.03,
    },
    Row {
        id: "write",
        name: "write one key, 4 keys / 100 B",
        action: Action::Write,
        session: SMALL,
        renewal: false,
        allocations: 20,
        ratio: 0.40,
    },
    Row {
        id: "create",
        name: "create",
        action: Action::Write,
        session: None,
        renewal: false,
        allocations: 18,
        ratio: 0.65,
    },
    Row {
        id: "renew",
        name: "read, renewal on every access",
        action: Action::Read,
        session: SMALL,
        renewal: true,
        allocations: 10,
        ratio: 0.15,
    },
];

impl Row {
    /// Puts the session of this row into the service, and gives the `Cookie` header of its requests.
    pub fn prepare(&self, service: &mut Bench) -> String {
        let Some((keys, bytes)) = self.session else { return String::new() };
        let mut cookie = String::from("a=1; b=2; c=3; d=4; e=5; f=6; g=7; h=8");
        let response = call(service, request(Action::Fill(keys, bytes), ""));
        if let Some(line) = response.headers().get(SET_COOKIE) {
            cookie.push_str("; ");
            cookie.push_str(line.to_str().unwrap().split(';').next().unwrap());
        }
        cookie
    }

    /// One request of this row.
    #[must_use]
    pub fn request(&self, cookie: &str) -> Request<()> {
        request(self.action, cookie)
    }
}

fn request(action: Action, cookie: &str) -> Request<()> {
    let mut request = Request::get("/");
    if !cookie.is_empty() {
        request = request.header(COOKIE, cookie);
    }
    // Through extensions for all three alike, so that the map of extensions is there already.
    request.extension(Do(action)).body(()).unwrap()
}
