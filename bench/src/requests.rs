//! Time and allocations of the rows of requests.

use std::time::{Duration, Instant};

use cloakroom_bench::rows::{ROWS, Row};
use cloakroom_bench::services::{Bench, bare, call, ours, peer};
use comfy_table::Table;

/// One service, prepared for a row.
struct Candidate {
    service: Bench,
    cookie: String,
    nanos: Vec<f64>,
}

impl Candidate {
    fn new(mut service: Bench, row: &Row) -> Self {
        let cookie = row.prepare(&mut service);
        Self { service, cookie, nanos: Vec::new() }
    }

    fn round(&mut self, row: &Row, calls: u64) {
        let requests: Vec<_> = (0..calls).map(|turn| row.request(&self.cookie, turn)).collect();
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

    fn allocations(&mut self, row: &Row, turn: u64) -> i64 {
        let request = row.request(&self.cookie, turn);
        let service = &mut self.service;
        let info = allocation_counter::measure(|| drop(call(service, request)));
        i64::try_from(info.count_total).unwrap()
    }
}

fn candidates(row: &Row) -> [Candidate; 3] {
    [bare(), ours(row.renewal), peer(row.renewal)].map(|service| Candidate::new(service, row))
}

/// Calls before allocations are counted.
const WARM_UP: u64 = 4_000;
/// Calls whose allocations are counted; the median leaves out the ones that made a table grow.
const COUNTED: u64 = 101;

/// Allocations that our layer and the peer's add to a request.
fn added_allocations(row: &Row) -> (i64, i64) {
    let [bare, ours, peer] = candidates(row).map(|mut candidate| {
        // So that each of the store's shards has been used: its first session allocates what all share.
        for turn in 0..WARM_UP {
            drop(call(&mut candidate.service, row.request(&candidate.cookie, turn)));
        }
        let mut counts: Vec<_> =
            (0..COUNTED).map(|turn| candidate.allocations(row, turn)).collect();
        counts.sort_unstable();
        counts[counts.len() / 2]
    });
    (ours - bare, peer - bare)
}

pub(crate) fn table(rounds: usize, calls: u64) -> Table {
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
            row.ratio.to_string(),
            our_allocations.to_string(),
            row.allocations.to_string(),
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
            .map(|row| (row.name, added_allocations(row).0, row.allocations))
            .filter(|(_, ours, limit)| ours > limit)
            .collect();
        assert!(beyond.is_empty(), "request, allocations added, limit: {beyond:?}");
    }
}
