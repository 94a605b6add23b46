//! `cargo run`: the demo site on 127.0.0.1.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use cloakroom::SessionLayer;
use tokio::net::TcpListener;

/// A small shop with accounts and a list of devices, to see cloakroom's sessions at work.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Options {
    /// Port to listen on, always on 127.0.0.1; 0 takes a free one
    #[arg(long, env = "CLOAKROOM_DEMO_PORT", default_value_t = 3000)]
    port: u16,
    /// Where sessions are kept: `sqlite:FILE`, `memory:`, `file:FOLDER`, `redis://…`, `postgres://…`, `mysql://…`
    #[arg(
        long,
        env = "CLOAKROOM_DEMO_STORE",
        default_value = "sqlite:demo-sessions.db",
        // It may hold a password.
        hide_env_values = true
    )]
    store: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(io::stderr)
        .init();
    match serve(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nothing is left to report a failure of stderr to.
            let _ = writeln!(io::stderr(), "demo: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> Result<(), String> {
    // Loopback only: the development configuration sends cookies over plain http.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = TcpListener::bind(address).await.map_err(|error| refusal(address, &error))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;

    let store = cloakroom::store::open_and_migrate(&options.store)
        .await
        .map_err(|error| error.to_string())?;
    let layer =
        SessionLayer::with_config(store, demo::config()).map_err(|error| error.to_string())?;
    let cleanup = layer.sessions().clean_up_every(Duration::from_secs(60));
    let app = demo::App::new(layer.sessions());

    let _ = writeln!(io::stdout(), "The shop is open: http://{address} (Ctrl-C closes it)");
    axum::serve(listener, demo::app(layer, app))
        .with_graceful_shutdown(async {
            // Without a signal handler the process simply ends at Ctrl-C, which is as good.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await
        .map_err(|error| error.to_string())?;
    cleanup.stop().await;
    Ok(())
}

/// Says what to do about an address that cannot be had.
fn refusal(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is taken by another program"),
        io::ErrorKind::PermissionDenied => format!("port {port} needs privileges"),
        _ => format!("cannot listen on {address}: {error}"),
    };
    format!("{reason}; choose another with --port or CLOAKROOM_DEMO_PORT, such as --port 3001")
}
