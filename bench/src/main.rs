//! What a request costs: time and allocations added by a session layer, and what the memory store does.
//!
//! Run with: `cargo xtask bench`
#![allow(clippy::print_stdout, reason = "its output is its purpose")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

mod memory;
mod requests;
mod services;

use clap::Parser;

/// What a request costs, beside tower-sessions in the same run.
#[derive(Debug, Parser)]
struct Args {
    /// A short run, to see that it works; its times mean nothing.
    #[arg(long)]
    quick: bool,
}

fn main() {
    let args = Args::parse();
    let (rounds, calls) = if args.quick { (3, 100) } else { (41, 2_000) };
    println!(
        "requests: one thread, no sockets, {rounds} interleaved rounds of {calls} calls, medians"
    );
    println!(
        "added = minus the same service without a layer; ratio = time added, tower-sessions = 1\n"
    );
    println!("{}\n", requests::table(rounds, calls));
    println!("memory store\n");
    println!("{}", memory::table(args.quick));
}
