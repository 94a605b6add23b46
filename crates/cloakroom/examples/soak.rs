//! A long run of random calls on real stores under faults, each history checked for linearizability.
//!
//! Run with: `cargo xtask soak`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used, reason = "a run that cannot go on should stop where it is")]

use std::time::Instant;

use clap::Parser;
use cloakroom::store::{AnyStore, MysqlStore, PostgresStore, open};
use cloakroom::testkit::FaultyStore;
use cloakroom::testkit::conformance::histories_are_linearizable;
use cloakroom_servers::{MysqlServer, Postgres, RedisServer};
use comfy_table::Table;

/// Calls of a round of a history.
const CALLS: u64 = 40;
/// Rounds of one history; the next begins in a namespace that is empty.
const ROUNDS: u64 = 250;

/// Random calls under faults, checked.
#[derive(Debug, Parser)]
struct Args {
    /// A store by its URL, without a namespace; more than one may be named. Default: memory, a
    /// folder, a SQLite file, and servers of its own.
    #[arg(long)]
    store: Vec<String>,
    /// Calls on each store, in histories of ten thousand.
    #[arg(long, default_value_t = 100_000)]
    operations: u64,
    /// About one call in so many fails, before or after it did its work.
    #[arg(long, default_value_t = 20)]
    one_in: u64,
    /// Decides the calls and the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() {
    let mut args = Args::parse();
    let folder = tempfile::tempdir().unwrap();
    let redis = args.store.is_empty().then(RedisServer::start).transpose().unwrap().flatten();
    if args.store.is_empty() {
        args.store.push("memory:".to_owned());
        args.store.push(format!("file:{}", folder.path().join("sessions").display()));
        args.store.push(format!("sqlite:{}", folder.path().join("sessions.db").display()));
        args.store.extend(MysqlServer::shared().map(str::to_owned));
        args.store.extend(Postgres::shared().map(str::to_owned));
        args.store.extend(redis.as_ref().map(RedisServer::url));
    }
    let mut table = Table::new();
    table.set_header(["store", "calls", "anomalies", "calls/s"]);
    for url in &args.store {
        let started = Instant::now();
        let mut calls = 0;
        let mut name = "";
        for history in 0..args.operations.div_ceil(CALLS * ROUNDS) {
            let store = fresh(url, args.seed, history).await;
            name = cloakroom::Store::name(&store);
            let faulty = FaultyStore::new(store);
            faulty.fail_at_random(args.seed + history, args.one_in);
            // It panics at the first history that no order of its calls explains.
            histories_are_linearizable(faulty.clone(), args.seed * 1_000 + history, ROUNDS).await;
            calls += faulty.all_calls();
        }
        let rate = calls as f64 / started.elapsed().as_secs_f64();
        table.add_row([name, &calls.to_string(), "0", &format!("{rate:.0}")]);
        eprintln!("{name}: {calls} calls, no anomaly");
    }
    println!("one call in {} failed, before or after it did its work\n{table}", args.one_in);
}

/// The store of a URL, in a namespace that nobody has used.
async fn fresh(url: &str, seed: u64, history: u64) -> AnyStore {
    let sign = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{sign}namespace=soak-{}-{seed}-{history}", std::process::id());
    match url.split(':').next() {
        Some("mariadb" | "mysql") => {
            MysqlStore::from_url(&url).unwrap().build().unwrap().migrate().await.unwrap();
        }
        Some("postgres" | "postgresql") => {
            PostgresStore::from_url(&url).unwrap().build().unwrap().migrate().await.unwrap();
        }
        _ => {}
    }
    open(&url).await.unwrap()
}
