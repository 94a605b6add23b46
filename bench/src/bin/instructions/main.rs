//! Instructions that a session layer adds to a request, counted by callgrind, beside what is recorded.
//!
//! Run with: `cargo xtask instructions`
#![allow(clippy::print_stdout, reason = "its output is its purpose")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

mod callgrind;
mod calls;
mod counts;
mod recorded;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use cloakroom_bench::rows::{ROWS, Row};
use comfy_table::Table;

use crate::calls::Candidate;
use crate::counts::Counts;
use crate::recorded::Recorded;

/// Instructions a request, beside tower-sessions and what is recorded.
#[derive(Debug, Parser)]
struct Args {
    /// One row alone; its profile stays for `callgrind_annotate`.
    #[arg(value_parser = PossibleValuesParser::new(ROWS.iter().map(|row| row.id)))]
    row: Option<String>,
    /// Writes the counts to bench/instructions.toml.
    #[arg(long)]
    record: bool,
    /// Makes the calls of this candidate: what runs inside valgrind.
    #[arg(long, hide = true, requires = "row")]
    calls_of: Option<Candidate>,
}

fn main() {
    let args = Args::parse();
    let chosen: Vec<&Row> =
        ROWS.iter().filter(|row| args.row.as_ref().is_none_or(|id| id == row.id)).collect();
    if let Some(candidate) = args.calls_of {
        return calls::run(chosen[0], candidate);
    }
    println!("instructions added to a request: those of the mean call minus those of the same");
    println!("  handler without a layer; {} calls after {} others", calls::COUNTED, calls::WARM_UP);
    println!(
        "  varies: largest minus least of {} runs; SHA-256: its part of added\n",
        counts::RUNS
    );
    let mut recorded = Recorded::read();
    recorded.warn_of_another_compiler();
    let mut table = Table::new();
    table.set_header([
        "request",
        "row",
        "added",
        "recorded",
        "change",
        "varies",
        "SHA-256",
        "tower-sessions",
        "ratio",
    ]);
    for row in &chosen {
        let (counts, varies) = counts::of(row);
        let before = recorded.rows.insert(row.id.to_owned(), counts);
        table.add_row(line(row, counts, before, varies));
    }
    println!("{table}");
    if args.record {
        recorded.write();
    }
    if let [row] = chosen[..] {
        println!(
            "\ncallgrind_annotate {}",
            callgrind::profile(row, Candidate::Cloakroom).display()
        );
    }
}

fn line(row: &Row, counts: Counts, before: Option<Counts>, varies: u64) -> [String; 9] {
    let added = counts.added();
    let change = before.map(|before| (added as f64 / before.added() as f64 - 1.0) * 100.0);
    [
        row.name.to_owned(),
        row.id.to_owned(),
        added.to_string(),
        before.map_or_else(|| "-".to_owned(), |before| before.added().to_string()),
        change.map_or_else(|| "-".to_owned(), |change| format!("{change:+.2} %")),
        varies.to_string(),
        counts.sha256.to_string(),
        counts.added_by_peer().to_string(),
        format!("{:.3}", added as f64 / counts.added_by_peer() as f64),
    ]
}
