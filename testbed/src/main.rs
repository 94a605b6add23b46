//! Run with: `cargo run -p testbed -- --listen 127.0.0.1:4000 --store memory:`
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the line that says where it listens, or why it does not, is the program's output"
)]

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use cloakroom::ServerSideSessionBackend;
use testbed::{Args, app, open};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let address = args.address()?;
    let backend = ServerSideSessionBackend::new(open(&args.store).await?, args.config()?)?;
    let listener = tokio::net::TcpListener::bind(address).await?;
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
