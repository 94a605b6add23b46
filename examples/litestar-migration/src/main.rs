//! `cargo xtask litestar-migration`: the shop on one's own machine, and the steps of its move by the Enter key.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use clap::Parser;
use litestar_migration::site::{Site, SiteError, Step};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What the program ends with where another is not installed: EX_UNAVAILABLE of `sysexits.h`.
const UNAVAILABLE: u8 = 69;

/// A Litestar shop that moves to Rust: starts Redis, Litestar, Rust and nginx; Enter goes on to the next step.
#[derive(Debug, Parser)]
#[command(name = "litestar-migration")]
struct Options {
    /// How far the move has come at the start
    #[arg(long, value_enum, default_value_t = Step::Litestar)]
    step: Step,
    /// Port of nginx, always on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(io::stderr)
        .init();
    let (message, code) = match run(options).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(SiteError::Missing("litestar")) => (
            "there is no Python with Litestar in target/litestar; `cargo xtask litestar-migration` makes it"
                .to_owned(),
            UNAVAILABLE,
        ),
        Err(SiteError::Missing(package)) => (
            format!(
                "{package} is not installed; `cargo xtask litestar-migration` installs it, or: sudo apt-get install {package}"
            ),
            UNAVAILABLE,
        ),
        Err(SiteError::Failed(error)) => (error.to_string(), 1),
    };
    // Nothing is left to report a failure of stderr to.
    let _ = writeln!(io::stderr(), "litestar-migration: {message}");
    ExitCode::from(code)
}

async fn run(options: Options) -> Result<(), SiteError> {
    // Watched before anything starts, so that whatever has started is stopped.
    let mut stops =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(interrupt), Ok(terminate), Ok(hangup)] = &mut stops else {
        return Err(io::Error::other("signals cannot be watched").into());
    };
    let mut enter = lines();
    let mut step = options.step;
    let mut site = Site::start(step, options.port).await?;
    say(&format!("The shop is open: http://{} (Ctrl-C closes it)", site.address()));
    loop {
        say(&format!("Now {}.", step.describe()));
        if let Some(next) = step.next() {
            say(&format!("  Enter goes on: {}.", next.describe()));
        }
        tokio::select! {
            Some(()) = enter.recv() => {
                let Some(next) = step.next() else { continue };
                site.go_on(next)?;
                step = next;
            }
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => break,
        }
    }
    drop(site);
    say("The shop is closed.");
    Ok(())
}

/// An event for each line of the standard input, from a thread that the end of the program need not wait for.
fn lines() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for _ in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn say(line: &str) {
    // A reader who has gone away does not stop the shop.
    let _ = writeln!(io::stdout(), "{line}");
    let _ = io::stdout().flush();
}
