//! The application of the benches, with cloakroom; without a store, the same without sessions.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use clap::Parser;
use cloakroom::store::{MysqlStore, PostgresStore};
use cloakroom::{Error, ServerSideSessionConfig, Session, SessionLayer};
use cloakroom_bench_load::{BYTES, KEYS};

/// Started by `cargo xtask bench-stores`.
#[derive(Debug, Parser)]
struct Args {
    /// Where sessions are kept; without it there are none, and each route answers `ok`.
    #[arg(long)]
    store: Option<String>,
    /// Whether each access renews the session.
    #[arg(long)]
    renewal: bool,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let Some(url) = args.store else {
        return cloakroom_bench_load::serve(Router::new().fallback(async || "ok")).await;
    };
    match url.split(':').next() {
        Some("postgres") => {
            PostgresStore::from_url(&url).unwrap().build().unwrap().migrate().await.unwrap();
        }
        Some("mysql") => {
            MysqlStore::from_url(&url).unwrap().build().unwrap().migrate().await.unwrap();
        }
        _ => {}
    }
    let config = ServerSideSessionConfig::development()
        .with_renew_on_access(args.renewal)
        .with_renew_every(Duration::from_millis(1));
    let store = cloakroom::store::open(&url).await.unwrap();
    let app = Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/write/{key}", get(write_one))
        .route("/create", get(write))
        .route("/cycle", get(async |session: Session| session.cycle_id()))
        .route("/destroy", get(async |session: Session| session.destroy()))
        .route("/fill", get(fill))
        .route("/keys", get(keys));
    let layer = SessionLayer::with_config(store, config).unwrap();
    cloakroom_bench_load::serve(app.layer(layer)).await;
}

async fn read(session: Session) -> Result<String, Error> {
    Ok(session.get("key00")?.unwrap())
}

async fn write(session: Session) -> Result<(), Error> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let value = format!("{:025}", WRITTEN.fetch_add(1, Ordering::Relaxed));
    session.insert("key00", &value)
}

async fn write_one(Path(key): Path<String>, session: Session) -> Result<(), Error> {
    session.insert(&key, "w")
}

async fn fill(session: Session) -> Result<(), Error> {
    for n in 0..KEYS {
        session.insert(&format!("key{n:02}"), &"x".repeat(BYTES))?;
    }
    Ok(())
}

async fn keys(session: Session) -> String {
    session.keys().iter().filter(|key| key.starts_with('w')).count().to_string()
}
