//! `postgres://user:password@host:port/database?namespace=…`

use std::fmt::Write as _;
use std::time::Duration;

use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};

use super::builder::TIMEOUT;
use super::{PostgresStore, PostgresStoreBuilder};
use crate::error::Result;
use crate::store::AnyStore;
use crate::store::open::{StoreUrl, Tables};
use crate::store::sql::is_this_machine;

/// What the driver understands in a URL.
const OF_DRIVER: [&str; 17] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Opens a store, and makes its table first if that is asked for.
pub(in crate::store) async fn open(url: &mut StoreUrl, tables: Tables) -> Result<AnyStore> {
    let store = PostgresStore::from_parsed_url(url)?.build()?;
    if let Tables::Migrate = tables {
        store.migrate().await?;
    }
    store.check().await?;
    Ok(AnyStore::new(store))
}

impl PostgresStore {
    /// Opens the store of a URL, `postgres://user:password@host:port/database`, and [checks](Self::check) it.
    ///
    /// The table must be there; [`from_url`](Self::from_url) has the options, and makes a store that can
    /// [`migrate`](Self::migrate) first.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) as `from_url`;
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the server cannot be reached, or has no
    /// table of this version.
    pub async fn open(url: &str) -> Result<Self> {
        let store = Self::from_url(url)?.build()?;
        store.check().await?;
        Ok(store)
    }

    /// The settings in a URL.
    ///
    /// | option | meaning | default |
    /// |---|---|---|
    /// | `namespace` | [`with_namespace`](PostgresStoreBuilder::with_namespace) | none |
    /// | `schema` | [`with_schema`](PostgresStoreBuilder::with_schema) | `public` |
    /// | `table` | [`with_table`](PostgresStoreBuilder::with_table) | `cloakroom_sessions` |
    /// | `max_connections` | [`with_max_connections`](PostgresStoreBuilder::with_max_connections) | 16 |
    /// | `timeout` | [`with_timeout`](PostgresStoreBuilder::with_timeout), such as `500ms` | `2s` |
    /// | `prepared` | [`with_prepared_statements`](PostgresStoreBuilder::with_prepared_statements) | `false` |
    /// | `notifications` | [`with_notifications`](PostgresStoreBuilder::with_notifications) | `false` |
    /// | `sslmode` | `disable`: talk without encryption to another machine as well | |
    ///
    /// and those of tokio-postgres, such as `application_name` or `target_session_attrs`.
    ///
    /// There is no TLS behind a URL, since that would choose a cryptographic library for the application. So a
    /// host that is neither a loopback address nor a socket of this machine is refused, unless the URL says
    /// `sslmode=disable`, for a private network or an encrypting proxy;
    /// [`from_config`](Self::from_config) takes a TLS connector.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) for anything else. Nothing of the URL is repeated.
    pub fn from_url(url: &str) -> Result<PostgresStoreBuilder> {
        StoreUrl::parse(url).and_then(|mut url| Self::from_parsed_url(&mut url))
    }

    fn from_parsed_url(url: &mut StoreUrl) -> Result<PostgresStoreBuilder> {
        let max_connections = url.number("max_connections")?;
        let timeout = url.duration("timeout")?;
        let (prepared, notifications) = (flag(url, "prepared")?, flag(url, "notifications")?);
        let (namespace, schema, table) =
            (url.option("namespace"), url.option("schema"), url.option("table"));
        let config = config(url, timeout.unwrap_or(TIMEOUT))?;

        let mut builder = Self::from_config(config, NoTls);
        builder.namespace = namespace.unwrap_or(builder.namespace);
        builder.schema = schema.unwrap_or(builder.schema);
        builder.table = table.unwrap_or(builder.table);
        builder.max_connections = max_connections.unwrap_or(builder.max_connections);
        builder.timeout = timeout.unwrap_or(builder.timeout);
        builder.prepared = prepared;
        builder.notifications = notifications;
        Ok(builder)
    }
}

/// An option that is `true` or `false`; without it, `false`.
fn flag(url: &mut StoreUrl, name: &str) -> Result<bool> {
    match url.option(name).as_deref() {
        Some("true") => Ok(true),
        None | Some("false") => Ok(false),
        Some(_) => Err(url.refused(&format!("takes `true` or `false` as `{name}`"))),
    }
}

/// What remains in the URL is the driver's.
fn config(url: &mut StoreUrl, timeout: Duration) -> Result<Config> {
    let plain = url.says_plain("a connector to `PostgresStore::from_config`")?;
    let mut text = format!("postgres:{}", url.location);
    let mut separator = '?';
    for name in OF_DRIVER {
        while let Some(value) = url.option(name) {
            text.push(separator);
            text.push_str(name);
            text.push('=');
            for byte in value.bytes() {
                let _ = write!(text, "%{byte:02x}");
            }
            separator = '&';
        }
    }
    let own =
        "max_connections, namespace, notifications, prepared, schema, sslmode, table, timeout";
    url.no_more_options(&format!("{own}, {}", OF_DRIVER.join(", ")))?;
    // Its error may quote the URL.
    let mut config: Config = text.parse().map_err(|_| {
        url.refused("cannot be read; write `postgres://user:password@host:port/database`")
    })?;
    if !plain && !is_local(&config) {
        return Err(url.refused(
            "names another machine, and would send passwords and sessions unencrypted; pass a TLS connector to \
             `PostgresStore::from_config`, or say `sslmode=disable`",
        ));
    }
    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    if config.get_application_name().is_none() {
        config.application_name("cloakroom");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(timeout);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(timeout);
    }
    Ok(config)
}

/// Whether no byte leaves this machine.
fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(std::net::IpAddr::is_loopback);
    }
    let hosts = config.get_hosts();
    !hosts.is_empty()
        && hosts.iter().all(|host| match host {
            Host::Tcp(name) => is_this_machine(name),
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn refusal(url: &str) -> String {
        let error = PostgresStore::from_url(url).and_then(PostgresStoreBuilder::build).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUrl);
        error.to_string()
    }

    fn builds(url: &str) {
        PostgresStore::from_url(url).and_then(PostgresStoreBuilder::build).expect(url);
    }

    #[test]
    fn s_100_another_machine_is_refused_without_encryption() {
        for host in ["db.example", "10.0.0.1", "localhost,db.example", "[2001:db8::1]", ""] {
            let says = refusal(&format!("postgres://ada:hunter2@{host}/db"));
            assert!(says.contains("sslmode=disable") && !says.contains("hunter2"), "{says}");
        }
        refusal("postgres://localhost/db?hostaddr=10.0.0.1");
        assert!(refusal("postgres://localhost/db?sslmode=require").contains("from_config"));
        builds("postgres://db.example/db?sslmode=disable");
        for host in ["localhost", "127.0.0.1:5433", "[::1]", "%2Frun%2Fpostgresql"] {
            builds(&format!("postgres://ada:hunter2@{host}/db"));
        }
    }

    #[test]
    fn options_are_ours_or_the_drivers() {
        builds(
            "postgresql://localhost/db?namespace=shop&schema=web&table=s&max_connections=3&prepared=true&notifications=true&timeout=500ms\
             &application_name=a%20b&options=-c%20search_path%3Dx",
        );
        let says = refusal("postgres://localhost/db?colour=red");
        assert!(says.contains("`colour`") && says.contains("namespace"), "{says}");
        for option in [
            "prepared=1",
            "max_connections=x",
            "max_connections=0",
            "timeout=x",
            "timeout=0s",
            "port=x",
        ] {
            refusal(&format!("postgres://localhost/db?{option}"));
        }
        for name in ["schema=a%22b", "table=a%3B--", "namespace=a%00b"] {
            refusal(&format!("postgres://localhost/db?{name}"));
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let builder = PostgresStore::from_url("postgres://ada:hunter2@localhost/db").unwrap();
        assert!(!format!("{builder:?}").contains("hunter2"));
        let store = builder.build().unwrap();
        assert!(!format!("{store:?}").contains("hunter2"));
    }
}
