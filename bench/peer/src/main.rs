//! The application of the benches, with tower-sessions and the newest of its stores.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on should stop where it is")]

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use clap::Parser;
use cloakroom_bench_load::{BYTES, KEYS};
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};
use tower_sessions_sqlx_store::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous,
};
use tower_sessions_sqlx_store::sqlx::{PgPool, SqlitePool};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

/// Started by `cargo xtask bench-stores`.
#[derive(Debug, Parser)]
struct Args {
    /// `redis://…`, `sqlite:FILE` or `postgres://…`.
    #[arg(long)]
    store: String,
    /// Whether each access renews the session.
    #[arg(long)]
    renewal: bool,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let url = &*args.store;
    match url.split(':').next().unwrap() {
        // As many connections as in the example of its documentation.
        "redis" => {
            let pool = Pool::new(Config::from_url(url).unwrap(), None, None, None, 6).unwrap();
            pool.init().await.unwrap();
            serve(RedisStore::new(pool), args.renewal).await;
        }
        "sqlite" => {
            // What is acknowledged is on the disk, as with the other.
            let options = SqliteConnectOptions::new()
                .filename(url.trim_start_matches("sqlite:"))
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            let store = SqliteStore::new(SqlitePool::connect_with(options).await.unwrap());
            store.migrate().await.unwrap();
            serve(store, args.renewal).await;
        }
        _ => {
            let store = PostgresStore::new(PgPool::connect(url).await.unwrap());
            store.migrate().await.unwrap();
            serve(store, args.renewal).await;
        }
    }
}

async fn serve(store: impl SessionStore + Clone, renewal: bool) {
    let layer = SessionManagerLayer::new(store)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(14)))
        .with_always_save(renewal);
    let app = Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/write/{key}", get(write_one))
        .route("/create", get(write))
        .route("/cycle", get(async |session: Session| session.cycle_id().await.unwrap()))
        .route("/destroy", get(async |session: Session| session.flush().await.unwrap()))
        .route("/fill", get(fill))
        .route("/keys", get(keys));
    cloakroom_bench_load::serve(app.layer(layer)).await;
}

async fn read(session: Session) -> String {
    session.get("key00").await.unwrap().unwrap()
}

async fn write(session: Session) {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let value = format!("{:025}", WRITTEN.fetch_add(1, Ordering::Relaxed));
    session.insert("key00", value).await.unwrap();
}

async fn write_one(Path(key): Path<String>, session: Session) {
    session.insert(&key, "w").await.unwrap();
}

async fn fill(session: Session) {
    for n in 0..KEYS {
        session.insert(&format!("key{n:02}"), "x".repeat(BYTES)).await.unwrap();
    }
}

async fn keys(session: Session) -> String {
    let mut keys = 0;
    for n in 0..100 {
        keys += usize::from(session.get_value(&format!("w{n}")).await.unwrap().is_some());
    }
    keys.to_string()
}
