//! What a request costs: time and allocations added by a session layer, and what the memory store does.
//!
//! Run with: `cargo xtask bench`
#![allow(clippy::print_stdout, reason = "its output is its purpose")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

mod memory;
mod requests;
mod stall;

use clap::Parser;
use cloakroom_bench::machine;

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
    println!("{}\n", machine::line());
    let footprint = memory::footprint(args.quick);

    println!("requests: time and allocations added, beside tower-sessions 0.15");
    println!(
        "  one thread, no sockets; {rounds} rounds of {calls} calls, the three services in turn"
    );
    println!(
        "  added = median round minus that of the same handler without a layer; ratio = peer is 1"
    );
    println!(
        "  requests are built before the clock starts; allocations: the median of 101 calls after 4000 others, every shard of the store in use"
    );
    println!(
        "  both stores in memory, idle timeout 14 days, no two calls in one millisecond; renewal: the peer's `with_always_save`"
    );
    println!(
        "  each write changes the value, since the peer saves no other; without \"among 9\" our cookie is the only one\n"
    );
    println!("{}\n", requests::table(rounds, calls));

    println!("memory store: rates, the best of five runs, and resident bytes\n");
    println!("{}\n", memory::table(args.quick, &footprint));

    println!("memory store: how long one read took while other sessions expired");
    println!(
        "  the least of {} runs: of the worst read, and of the 99.99th percentile",
        stall::RUNS
    );
    println!("  a sweeper is a second thread in a loop of `delete_expired(1000)`\n");
    println!("{}", stall::table(args.quick));
}
