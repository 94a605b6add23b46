//! The rows of requests.

use std::time::{Duration, Instant};

use comfy_table::Table;
use http::Request;
use http::header::{COOKIE, SET_COOKIE};

use crate::services::{Action, Bench, Do, bare, call, ours, peer};

struct Row {
    name: &'static str,
    action: Action,
    /// What the session holds before; `None` is a request without our cookie.
    session: Option<(usize, usize)>,
    renewal: bool,
    /// Most allocations added, and the largest ratio to the peer.
    limits: (i64, f64),
}

const SMALL: Option<(usize, usize)> = Some((4, 25));
const LARGE: Option<(usize, usize)> = Some((64, 1024));

const ROWS: [Row; 7] = [
    row("untouched, no cookie", Action::Nothing, None, false, (4, 0.35)),
    row("untouched, our cookie among 9", Action::Nothing, SMALL, false, (4, 0.15)),
    row("read one key, 4 keys / 100 B", Action::Read, SMALL, false, (9, 0.30)),
    row("read one key, 64 keys / 64 KiB", Action::Read, LARGE, false, (9, 0.03)),
    row("write one key, 4 keys / 100 B", Action::Write, SMALL, false, (20, 0.40)),
    row("create", Action::Write, None, false, (18, 0.65)),
    row("read, renewal on every access", Action::Read, SMALL, true, (10, 0.15)),
];

const fn row(
    name: &'static str,
    action: Action,
    session: Option<(usize, usize)>,
    renewal: bool,
    limits: (i64, f64),
) -> Row {
    Row { name, action, session, renewal, limits }
}

/// One service, prepared for a row.
struct Candidate {
    service: Bench,
    cookie: String,
    nanos: Vec<f64>,
}

impl Candidate {
    fn new(mut service: Bench, row: &Row) -> Self {
        let mut cookie = String::from("a=1; b=2; c=3; d=4; e=5; f=6; g=7; h=8");
        if let Some((keys, bytes)) = row.session {
            let response = call(&mut service, request(Action::Fill(keys, bytes), ""));
            if let Some(line) = response.headers().get(SET_COOKIE) {
                cookie.push_str("; ");
                cookie.push_str(line.to_str().unwrap().split(';').next().unwrap());
            }
        } else {
            cookie.clear();
        }
        Self { service, cookie, nanos: Vec::new() }
    }

    fn round(&mut self, row: &Row, calls: usize) {
        let requests: Vec<_> = (0..calls).map(|_| request(row.action, &self.cookie)).collect();
        let service = &mut self.service;
        let mut elapsed = Duration::ZERO;
        // Counting takes time for each allocation, and would slow down most whoever allocates most.
        allocation_counter::opt_out(|| {
            let started = Instant::now();
            for request in requests {
                drop(call(service, request));
            }
            elapsed = started.elapsed();
        });
        self.nanos.push(elapsed.as_nanos() as f64 / calls as f64);
    }

    fn median(&mut self) -> f64 {
        self.nanos.sort_by(f64::total_cmp);
        self.nanos[self.nanos.len() / 2]
    }

    fn allocations(&mut self, row: &Row) -> i64 {
        let request = request(row.action, &self.cookie);
        let service = &mut self.service;
        let info = allocation_counter::measure(|| drop(call(service, request)));
        i64::try_from(info.count_total).unwrap()
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

fn candidates(row: &Row) -> [Candidate; 3] {
    [bare(), ours(row.renewal), peer(row.renewal)].map(|service| Candidate::new(service, row))
}

/// Calls before allocations are counted.
const WARM_UP: usize = 4_000;
/// Calls whose allocations are counted; the median leaves out the ones that made a table grow.
const COUNTED: usize = 101;

/// Allocations that our layer and the peer's add to a request.
fn added_allocations(row: &Row) -> (i64, i64) {
    let [bare, ours, peer] = candidates(row).map(|mut candidate| {
        // So that each of the store's shards has been used: its first session allocates what all share.
        for _ in 0..WARM_UP {
            drop(call(&mut candidate.service, request(row.action, &candidate.cookie)));
        }
        let mut counts: Vec<_> = (0..COUNTED).map(|_| candidate.allocations(row)).collect();
        counts.sort_unstable();
        counts[COUNTED / 2]
    });
    (ours - bare, peer - bare)
}

pub(crate) fn table(rounds: usize, calls: usize) -> Table {
    let mut table = Table::new();
    table.set_header([
        "request",
        "added ns",
        "peer ns",
        "ratio",
        "limit",
        "allocations",
        "limit",
        "peer",
    ]);
    for row in &ROWS {
        let mut candidates = candidates(row);
        for _ in 0..rounds {
            for candidate in &mut candidates {
                candidate.round(row, calls);
            }
        }
        let [bare, ours, peer] = candidates.each_mut().map(Candidate::median);
        let (our_allocations, peer_allocations) = added_allocations(row);
        table.add_row([
            row.name.to_owned(),
            format!("{:.0}", ours - bare),
            format!("{:.0}", peer - bare),
            format!("{:.3}", (ours - bare) / (peer - bare)),
            row.limits.1.to_string(),
            our_allocations.to_string(),
            row.limits.0.to_string(),
            peer_allocations.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts are exact, so a regression is a failure and not a matter of a quiet machine.
    #[test]
    fn allocations_keep_within_their_limits() {
        let beyond: Vec<_> = ROWS
            .iter()
            .map(|row| (row.name, added_allocations(row).0, row.limits.0))
            .filter(|(_, ours, limit)| ours > limit)
            .collect();
        assert!(beyond.is_empty(), "request, allocations added, limit: {beyond:?}");
    }
}
