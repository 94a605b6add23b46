//! Run with: `cargo run -p testbed -- --listen 127.0.0.1:4000 --store memory:`
#![allow(
    clippy::print_stdout,
    reason = "the line that says where it listens is the program's output"
)]

use std::error::Error;
use std::io::Write;

use clap::Parser;
use cloakroom::ServerSideSessionBackend;
use testbed::{Args, app, open};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let backend = ServerSideSessionBackend::new(open(&args.store)?, args.config()?)?;
    let listener = tokio::net::TcpListener::bind(args.address()?).await?;
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    axum::serve(listener, app(backend)).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

async fn stopped() {
    let mut terminate =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(error) => {
                tracing::error!(%error, "SIGTERM cannot be watched");
                return std::future::pending().await;
            }
        };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
