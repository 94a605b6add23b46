//! Redis, Litestar, Rust and nginx together on one's own machine, and the steps of the move.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use axum::Router;
use axum::middleware::from_fn_with_state;
use clap::ValueEnum;
use cloakroom::SessionLayer;
use cloakroom_servers::{Litestar, Nginx, RedisServer, free_port};
use tokio::net::TcpListener;

use crate::sessions::{StartError, bring_along, own, shared};
use crate::shop::routes;

/// How far the move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// Every route is Litestar's.
    Litestar,
    /// `/account` is Rust's, the rest is Litestar's.
    Account,
    /// Every route is Rust's, in the sessions that Litestar shares.
    All,
    /// Litestar is stopped; sessions move to records and a cookie of their own.
    Own,
}

impl Step {
    /// The one after it.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Litestar => Some(Self::Account),
            Self::Account => Some(Self::All),
            Self::All => Some(Self::Own),
            Self::Own => None,
        }
    }

    /// What is so in this step, as a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Litestar => "every route is Litestar's",
            Self::Account => "/account is Rust's, the rest is Litestar's",
            Self::All => "every route is Rust's, in Litestar's sessions",
            Self::Own => "every route is Rust's, in sessions of its own; Litestar is stopped",
        }
    }

    fn routes(self) -> &'static str {
        match self {
            Self::Litestar => include_str!("../nginx/routes-litestar.conf"),
            Self::Account => include_str!("../nginx/routes-account.conf"),
            Self::All | Self::Own => include_str!("../nginx/routes-all.conf"),
        }
    }
}

/// The programs. All of them end when it is dropped, nginx first.
#[derive(Debug)]
pub struct Site {
    nginx: Nginx,
    litestar: Option<Litestar>,
    _redis: RedisServer,
    ports: Ports,
}

/// Where each of them listens on the loopback interface.
#[derive(Debug, Clone, Copy)]
struct Ports {
    nginx: u16,
    litestar: u16,
    shared: u16,
    own: u16,
}

/// Why the site did not start.
#[derive(Debug)]
pub enum SiteError {
    /// A program is not installed; its Debian package, or what else makes it.
    Missing(&'static str),
    /// Something else.
    Failed(StartError),
}

impl<E: Into<StartError>> From<E> for SiteError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Site {
    /// Starts all of them in a step, nginx on a port of the loopback interface; 0 takes a free one.
    ///
    /// # Errors
    /// If one of them is not installed or does not start.
    pub async fn start(step: Step, port: u16) -> Result<Self, SiteError> {
        let port = free(port)?;
        let redis = RedisServer::start()?.ok_or(SiteError::Missing("redis-server"))?;
        let url = redis.url();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let litestar = Litestar::start_application(folder, "shop:app", &[("REDIS_URL", &url)])?;
        let litestar = litestar.ok_or(SiteError::Missing("litestar"))?;

        // One application, twice: with Litestar's sessions, and with its own.
        let before = shared(&url)?;
        let after = routes().layer(from_fn_with_state(before.clone(), bring_along));
        let ports = Ports {
            nginx: port,
            litestar: litestar.address().port(),
            shared: serve(routes().layer(SessionLayer::from_backend(before))).await?,
            own: serve(after.layer(SessionLayer::from_backend(own(&url)?))).await?,
        };
        let nginx = Nginx::start(&[
            ("nginx.conf", include_str!("../nginx/nginx.conf")),
            ("site.conf", &ports.site(step)),
            ("routes.conf", step.routes()),
        ])?;
        let nginx = nginx.ok_or(SiteError::Missing("nginx"))?;
        let mut site = Self { nginx, litestar: Some(litestar), _redis: redis, ports };
        site.stop_litestar_after(step);
        Ok(site)
    }

    /// Goes on to a step, without a request that is refused.
    ///
    /// # Errors
    /// If nginx does not take its configuration.
    pub fn go_on(&mut self, step: Step) -> io::Result<()> {
        let site = self.ports.site(step);
        self.nginx.reload(&[("site.conf", &site), ("routes.conf", step.routes())])?;
        self.stop_litestar_after(step);
        Ok(())
    }

    /// Where a browser finds it.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.nginx).into()
    }

    fn stop_litestar_after(&mut self, step: Step) {
        if step == Step::Own {
            self.litestar = None;
        }
    }
}

impl Ports {
    /// The proxy's configuration with these ports in place of the usual ones.
    fn site(self, step: Step) -> String {
        let rust = if step == Step::Own { self.own } else { self.shared };
        [(8000, self.nginx), (8001, self.litestar), (8002, rust)].into_iter().fold(
            include_str!("../nginx/site.conf").to_owned(),
            // With a blank, so that what is in place is not replaced again.
            |text, (usual, port)| {
                text.replace(&format!("127.0.0.1:{usual};"), &format!("127.0.0.1:{port} ;"))
            },
        )
    }
}

/// The port if nobody listens on it, or any free one for 0. Asked first, since nginx tries for seconds before it says so.
fn free(port: u16) -> Result<u16, StartError> {
    if port == 0 {
        return Ok(free_port()?);
    }
    match std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(port),
        Err(error) => {
            Err(format!("port {port} cannot be had ({error}); choose another with --port").into())
        }
    }
}

/// Serves until the process ends; the port.
async fn serve(app: Router) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(port)
}
