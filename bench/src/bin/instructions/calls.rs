//! The calls that are counted: what this binary does when it runs inside valgrind.

use clap::ValueEnum;
use cloakroom_bench::rows::Row;
use cloakroom_bench::services::{Bench, bare, call, ours, peer};
use http::Request;

/// Calls before the counted ones, so that each of the store's shards is in use.
pub(crate) const WARM_UP: u64 = 4_000;
/// Calls that are counted, so many that growing a table or another seed of its hashes is little in the mean.
pub(crate) const COUNTED: u64 = 1_000;

/// Whose calls.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Candidate {
    Bare,
    Cloakroom,
    TowerSessions,
}

/// Makes the calls of a row. Callgrind counts while [`counted_call`] runs, and only then.
pub(crate) fn run(row: &Row, candidate: Candidate) {
    let mut service = match candidate {
        Candidate::Bare => bare(),
        Candidate::Cloakroom => ours(row.renewal),
        Candidate::TowerSessions => peer(row.renewal),
    };
    let cookie = row.prepare(&mut service);
    for turn in 0..WARM_UP {
        drop(call(&mut service, row.request(&cookie, turn)));
    }
    for turn in 0..COUNTED {
        let request = row.request(&cookie, turn);
        counted_call(&mut service, request);
    }
}

/// Callgrind finds it by its name, so it must stay a function of its own.
#[inline(never)]
fn counted_call(service: &mut Bench, request: Request<()>) {
    drop(call(service, request));
}
