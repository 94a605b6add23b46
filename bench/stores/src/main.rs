//! What sessions in durable stores cost, beside tower-sessions with the newest of its stores in the same run.
//!
//! Run with: `cargo xtask bench-stores`
#![allow(clippy::print_stdout, reason = "its output is its purpose")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

mod contenders;
mod costs;
mod overview;
mod rates;
mod redis;
mod wrk;

use std::path::PathBuf;

use clap::Parser;
use cloakroom_bench::machine;
use cloakroom_servers::{Postgres, RedisServer, required};
use comfy_table::Table;
use tempfile::TempDir;

use crate::contenders::Programs;
use crate::rates::Length;

/// Requests a second and commands a request, beside tower-sessions in the same run.
#[derive(Debug, Parser)]
struct Args {
    /// The program of the peer, as `cargo xtask bench-stores` builds it.
    #[arg(long)]
    peer: PathBuf,
    /// One store alone.
    #[arg(long)]
    store: Option<Kind>,
    /// A short run, to see that it works; its figures mean nothing.
    #[arg(long)]
    quick: bool,
}

/// A store that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Redis,
    Sqlite,
    Postgres,
    /// Each store of ours, without the peer.
    Ours,
}

fn main() {
    let args = Args::parse();
    let length = if args.quick { Length::QUICK } else { Length::FULL };
    let programs = Programs::new(args.peer);
    println!("{}", machine::line());
    println!("peer: tower-sessions 0.14 with tower-sessions-redis-store 0.16, -sqlx-store 0.15");
    println!("rates: medians of {} rounds of {} ms, in turn\n", length.rounds, length.millis);
    let wanted = |kind| args.store.is_none_or(|chosen| chosen == kind);
    if wanted(Kind::Redis) {
        with_redis(&programs, length);
    }
    if wanted(Kind::Sqlite) {
        with_sqlite(&programs, length);
    }
    if wanted(Kind::Postgres) {
        with_postgres(&programs, length);
    }
    if wanted(Kind::Ours) {
        println!("each store of ours: requests a second from 64 tasks, no sockets\n");
        println!("{}", overview::table_of(&programs, length));
    }
}

fn with_redis(programs: &Programs, length: Length) {
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    println!("Redis: commands a request, as its MONITOR shows them\n");
    println!("{}\n", costs::of_redis(programs, &server));
    println!("Redis: 50 requests at a time on one session, each inserting a key of its own\n");
    println!("{}\n", redis::writers(programs, &server));
    println!("Redis: requests a second over HTTP, 64 connections, by wrk\n");
    println!("{}\n", rates::over_http(programs, &server.url(), length));
}

fn with_sqlite(programs: &Programs, length: Length) {
    let folder = folder_on_disk();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    println!(
        "SQLite: requests a second from so many tasks, no sockets; what was written is on the disk\n"
    );
    println!("{}\n", rates::of_tasks(programs, [&url("ours.db"), &url("peer.db")], length));
}

fn with_postgres(programs: &Programs, length: Length) {
    let Some(server) = required("postgresql", Postgres::start(&[])) else { return };
    println!("PostgreSQL: round trips a request, counted between the application and the server\n");
    println!("{}\n", costs::of_postgres(programs, &server));
    println!("PostgreSQL: requests a second from so many tasks, no sockets\n");
    let (ours, peer) = (format!("{}?prepared=true", server.url()), server.url());
    println!("{}\n", rates::of_tasks(programs, [&ours, &peer], length));
}

/// Beside the program, where the disk is: a folder for temporary files may be in memory.
fn folder_on_disk() -> TempDir {
    let program = std::env::current_exe().unwrap();
    tempfile::tempdir_in(program.parent().unwrap()).unwrap()
}

/// A table with these names of columns.
fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.set_header(header);
    table
}
