//! Which server a link goes to.

use std::net::IpAddr;
use std::time::Duration;

use redis::aio::SendError;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ProtocolVersion, PushInfo,
    PushKind, Value,
};
use tokio::time::timeout;

use super::batch::{Broken, Connection};
use super::call::Call;
use super::failure::Failure;
use super::replicas::Terms;

/// After how long without a call the system asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Credentials, TLS and settings of servers whose addresses are told by others.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) info: ConnectionInfo,
    /// Whether other machines may be reached without TLS.
    pub(super) plaintext: bool,
}

impl Template {
    /// The server at an address.
    pub(super) fn at(&self, host: &str, port: u16) -> Result<ConnectionInfo, Failure> {
        let addr = match self.info.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host: host.to_owned(),
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ if !self.plaintext && !is_loopback(host) => return Err(Failure::Plaintext),
            _ => ConnectionAddr::Tcp(host.to_owned(), port),
        };
        Ok(self.info.clone().set_addr(addr))
    }
}

/// Which server it is.
#[derive(Debug)]
pub(super) enum Target {
    /// Always this one.
    Fixed(ConnectionInfo),
    /// Whichever takes writes now.
    Master(Sentinels),
}

/// Those who know which server takes writes.
#[derive(Debug, Clone)]
pub(super) struct Sentinels {
    pub(super) addresses: Vec<ConnectionInfo>,
    /// What they call the server.
    pub(super) name: String,
    pub(super) server: Template,
}

impl Target {
    /// Connects; whoever calls bounds the time.
    pub(super) async fn connect(&self, terms: Terms) -> Result<Connection, Failure> {
        match self {
            Self::Fixed(info) => open(info.clone(), terms).await,
            Self::Master(sentinels) => sentinels.connect(terms).await,
        }
    }
}

impl Sentinels {
    /// Asks one after the other, until one names a server that says itself that it takes writes.
    async fn connect(&self, terms: Terms) -> Result<Connection, Failure> {
        // One that hangs must not use up the time of the call that waits.
        let share = terms.patience / 4;
        let mut last = Failure::NoServer;
        for sentinel in &self.addresses {
            let master =
                timeout(share, self.ask(sentinel, share)).await.unwrap_or(Err(Failure::Late));
            let connection = match master {
                Ok(master) => timeout(share, checked(master, terms)).await,
                Err(failure) => Ok(Err(failure)),
            };
            match connection.unwrap_or(Err(Failure::Late)) {
                Ok(connection) => return Ok(connection),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// Where one of them says that the master is.
    async fn ask(
        &self,
        sentinel: &ConnectionInfo,
        patience: Duration,
    ) -> Result<ConnectionInfo, Failure> {
        let connection = open(sentinel.clone(), Terms::of_server(patience)).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("get-master-addr-by-name").arg(&self.name);
        match connection.send(Call::of_server(command)).await?.answer().await? {
            Value::Array(parts) => {
                let [Value::BulkString(host), Value::BulkString(port)] = &parts[..] else {
                    return Err(Failure::Nonsense);
                };
                let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Failure::Nonsense);
                let port = text(port)?.parse().map_err(|_| Failure::Nonsense)?;
                self.server.at(text(host)?, port)
            }
            Value::Nil => Err(Failure::NoServer),
            _ => Err(Failure::Nonsense),
        }
    }
}

/// A connection to a server that says that it is a master: a sentinel may not know yet that it is none.
async fn checked(master: ConnectionInfo, terms: Terms) -> Result<Connection, Failure> {
    let connection = open(master, terms).await?;
    let answer = connection.send(Call::of_server(redis::cmd("ROLE"))).await?.answer().await?;
    match answer {
        Value::Array(parts) if matches!(parts.first(), Some(Value::BulkString(role)) if role == b"master") => {
            Ok(connection)
        }
        _ => Err(Failure::NoServer),
    }
}

/// Opens a connection. Answers are timed by the [`Connection`], not by the driver.
async fn open(info: ConnectionInfo, terms: Terms) -> Result<Connection, Failure> {
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    // Two short writes in a row would otherwise wait for each other's acknowledgement.
    let mut tcp = info.tcp_settings().clone().set_nodelay(true);
    if tcp.keepalive().is_none() {
        // Firewalls forget connections that nobody uses, and tell neither end.
        tcp = tcp.set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE));
    }
    let client = Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp))?;
    let broken = Broken::default();
    let closed = broken.clone();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(terms.patience))
        .set_response_timeout(None)
        .set_push_sender(move |push: PushInfo| {
            // So that no call is sent into a connection that was closed while nobody used it.
            if push.kind == PushKind::Disconnection {
                closed.set_closed();
            }
            Ok::<_, SendError>(())
        });
    let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    Ok(Connection::new(connection, terms, broken))
}

/// Whether nothing leaves this machine on the way to a host.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
