//! What the repository does to itself: `cargo xtask test`, `ci`, `tidy` and the benches.
//!
//! Each step is printed before it runs. The first that fails ends the task, with its exit code.
#![allow(clippy::print_stderr, reason = "a command line tool tells what it does")]

mod failure;
mod packages;
mod python;
mod steps;
#[cfg(test)]
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// Tasks of the cloakroom repository.
#[derive(Debug, Parser)]
enum Task {
    /// Installs what the tests need and runs all of them.
    Test,
    /// Checks formatting, lints and documentation, then runs the tests.
    Ci,
    /// Measures what a request costs.
    Bench,
    /// Measures a memory store of ten million sessions; takes 4 GB of memory.
    BenchLarge {
        /// `--sessions` and how many.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measures what sessions in durable stores cost; takes minutes.
    BenchStores {
        /// `--store redis`, `sqlite`, `postgres` or `ours` for one part alone, `--quick`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Counts the instructions of a request, beside those recorded in bench/instructions.toml.
    Instructions {
        /// The ID of one row to count alone, `--record` to record the counts.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Starts the example of a Litestar application that moves to Rust: Redis, Litestar, Rust and nginx.
    LitestarMigration {
        /// `--step litestar|account|all|own`, `--port N`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Makes 100 000 random calls on each store under faults, and checks what they returned; takes minutes.
    Soak {
        /// `--store URL`, `--operations N`, `--one-in N`, `--seed N`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Checks what the repository promises of its own files; `test` does it too.
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Test => packages::install(packages::TESTS)
            .and_then(|()| python::litestar())
            .and_then(|()| steps::test()),
        Task::Ci => steps::lint()
            .and_then(|()| packages::install(packages::TESTS))
            .and_then(|()| python::litestar())
            .and_then(|()| steps::test()),
        Task::Bench => steps::bench(),
        Task::BenchLarge { arguments } => steps::bench_binary("large", &arguments),
        Task::BenchStores { arguments } => {
            packages::install(packages::STORES).and_then(|()| steps::bench_stores(&arguments))
        }
        Task::Instructions { arguments } => packages::install(packages::COUNTER)
            .and_then(|()| steps::bench_binary("instructions", &arguments)),
        Task::LitestarMigration { arguments } => packages::install(packages::MIGRATION)
            .and_then(|()| python::litestar())
            .and_then(|()| steps::litestar_migration(&arguments)),
        Task::Soak { arguments } => {
            packages::install(packages::TESTS).and_then(|()| steps::soak(&arguments))
        }
        Task::Tidy => steps::tidy(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
