//! What the memory store does when it is large: filling it, reading from it, half of it expiring.
//!
//! Run with: `cargo xtask bench-large`
#![allow(clippy::print_stdout, reason = "its output is its purpose")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

mod expiry;
mod reads;

use std::time::{Duration, Instant};

use clap::Parser;
use cloakroom_bench::machine;
use cloakroom_bench::sessions::{TWO_WEEKS, filled_by, resident};
use comfy_table::Table;

/// How many sessions the small store of the comparison has.
const FEW: u64 = 1_000;

/// The memory store with many sessions of 200 bytes: takes about 360 bytes of memory for each.
#[derive(Debug, Parser)]
struct Args {
    /// How many sessions.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10_000..=20_000_000))]
    sessions: u64,
}

fn main() {
    let sessions = Args::parse().sessions;
    println!("{}\n", machine::line());
    println!("memory store: {sessions} sessions of two keys of 100 B");
    println!(
        "  read: the best of {} rounds of {}, in turn; sessions at random",
        reads::ROUNDS,
        reads::CALLS
    );
    println!(
        "  waits: of single reads of live sessions by one thread; the first quarter that expires is freed by"
    );
    println!(
        "  the reads themselves, the second by another thread, in a loop of `delete_expired(1000)`\n"
    );
    let mut table = Table::new();
    table.set_header(["measure", "figure", "unit"]);
    let mut add = |name: &str, figure: String, unit: &str| {
        table.add_row([name.to_owned(), figure, unit.to_owned()]);
    };

    let before = resident();
    let started = Instant::now();
    let store = filled_by(sessions, expiry::lifetime);
    let seconds = started.elapsed().as_secs_f64();
    let bytes = resident().saturating_sub(before) as f64 / sessions as f64;
    add("filled in", format!("{seconds:.1}"), "s");
    add("creates", format!("{:.2}", sessions as f64 / seconds / 1e6), "million/s");
    add("resident memory a session", format!("{bytes:.0}"), "bytes");

    let few = filled_by(FEW, |_| TWO_WEEKS);
    let [small, hot, all] = reads::nanos([(&few, FEW), (&store, FEW), (&store, sessions)]);
    for (name, nanos) in [
        (format!("read, {FEW} sessions"), small),
        (format!("read, the same {FEW} of {sessions} sessions"), hot),
        (format!("read, any of {sessions} sessions"), all),
    ] {
        add(&name, format!("{nanos:.0}"), "ns");
        add("  times the first", format!("{:.2}", nanos / small), "");
    }

    for phase in expiry::phases(&store, sessions) {
        let micros = |wait: Duration| format!("{:.1}", wait.as_nanos() as f64 / 1e3);
        add(&format!("worst wait, {}", phase.name), micros(phase.waits.worst), "us");
        add("  99.99 % of the waits", micros(phase.waits.most), "us");
        add("  it took", format!("{:.2}", phase.took.as_secs_f64()), "s");
    }
    println!("{table}");
}
