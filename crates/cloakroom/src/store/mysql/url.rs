//! `mysql://user:password@host:port/database?namespace=…`

use std::time::Duration;

use mysql_async::{Opts, OptsBuilder};

use super::{MysqlStore, MysqlStoreBuilder};
use crate::error::Result;
use crate::store::AnyStore;
use crate::store::open::{StoreUrl, Tables};
use crate::store::sql::is_this_machine;

/// Opens a store, and makes its table first if that is asked for.
pub(in crate::store) async fn open(url: &mut StoreUrl, tables: Tables) -> Result<AnyStore> {
    let store = MysqlStore::from_parsed_url(url)?.build()?;
    if let Tables::Migrate = tables {
        store.migrate().await?;
    }
    store.check().await?;
    Ok(AnyStore::new(store))
}

impl MysqlStore {
    /// Opens the store of a URL, `mysql://user:password@host:port/database`, and [checks](Self::check) it.
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
    /// | `namespace` | [`with_namespace`](MysqlStoreBuilder::with_namespace) | none |
    /// | `table` | [`with_table`](MysqlStoreBuilder::with_table) | `cloakroom_sessions` |
    /// | `max_connections` | [`with_max_connections`](MysqlStoreBuilder::with_max_connections) | 16 |
    /// | `timeout` | [`with_timeout`](MysqlStoreBuilder::with_timeout), such as `500ms` | `2s` |
    /// | `socket` | the path of the server's socket on this machine, instead of host and port | none |
    /// | `sslmode` | `disable`: talk without encryption to another machine as well | |
    ///
    /// `mysql://` and `mariadb://` are the same.
    ///
    /// There is no TLS behind a URL, since that would choose a cryptographic library for the application. So a
    /// host that is neither a loopback address nor a socket of this machine is refused, unless the URL says
    /// `sslmode=disable`, for a private network or an encrypting proxy; [`from_opts`](Self::from_opts) takes
    /// options with TLS.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) for anything else. Nothing of the URL is repeated.
    pub fn from_url(url: &str) -> Result<MysqlStoreBuilder> {
        StoreUrl::parse(url).and_then(|mut url| Self::from_parsed_url(&mut url))
    }

    fn from_parsed_url(url: &mut StoreUrl) -> Result<MysqlStoreBuilder> {
        let max_connections = url.number("max_connections")?;
        let timeout = url.duration("timeout")?;
        let (namespace, table) = (url.option("namespace"), url.option("table"));
        let mut builder = Self::from_opts(opts(url)?);
        builder.namespace = namespace.unwrap_or(builder.namespace);
        builder.table = table.unwrap_or(builder.table);
        builder.max_connections = max_connections.unwrap_or(builder.max_connections);
        builder.timeout = timeout.unwrap_or(builder.timeout);
        Ok(builder)
    }
}

/// What remains in the URL says where the server is.
fn opts(url: &mut StoreUrl) -> Result<OptsBuilder> {
    let socket = url.option("socket");
    let plain = url.says_plain("options with TLS to `MysqlStore::from_opts`")?;
    url.no_more_options("max_connections, namespace, socket, sslmode, table, timeout")?;
    // Its error may quote the URL.
    let opts = Opts::from_url(&format!("mysql:{}", url.location)).map_err(|_| {
        url.refused("cannot be read; write `mysql://user:password@host:port/database`")
    })?;
    if !plain && socket.is_none() && !is_this_machine(opts.ip_or_hostname()) {
        return Err(url.refused(
            "names another machine, which it would talk to without encryption; pass options with TLS to \
             `MysqlStore::from_opts`, or say `sslmode=disable` where nobody can listen",
        ));
    }
    Ok(OptsBuilder::from_opts(opts)
        .socket(socket)
        // A server may not be where it says that its socket is, and what is asked for is the port.
        .prefer_socket(false)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(60))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn refusal(url: &str) -> String {
        let error = MysqlStore::from_url(url).and_then(MysqlStoreBuilder::build).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUrl, "{url}");
        error.to_string()
    }

    fn builds(url: &str) {
        MysqlStore::from_url(url).and_then(MysqlStoreBuilder::build).expect(url);
    }

    #[test]
    fn s_100_another_machine_is_refused_without_encryption() {
        for host in ["db.example", "10.0.0.1", "localhost.example", "[2001:db8::1]"] {
            let says = refusal(&format!("mysql://ada:hunter2@{host}/db"));
            assert!(says.contains("sslmode=disable") && !says.contains("hunter2"), "{says}");
        }
        assert!(refusal("mysql://localhost/db?sslmode=require").contains("from_opts"));
        builds("mysql://db.example/db?sslmode=disable");
        builds("mysql://localhost/db?socket=/run/mysqld/mysqld.sock");
        for host in ["localhost", "127.0.0.1:3307", "[::1]"] {
            builds(&format!("mysql://ada:hunter2@{host}/db"));
            builds(&format!("mariadb://ada:hunter2@{host}/db"));
        }
    }

    #[test]
    fn options_are_known_and_a_database_is_named() {
        builds("mysql://localhost/db?namespace=shop&table=s&max_connections=3&timeout=500ms");
        let says = refusal("mysql://localhost/db?colour=red");
        assert!(says.contains("`colour`") && says.contains("namespace"), "{says}");
        assert!(refusal("mysql://localhost").contains("no database"));
        assert!(refusal("mysql://localhost/").contains("no database"));
        for option in ["max_connections=x", "max_connections=0", "timeout=x", "timeout=0s"] {
            refusal(&format!("mysql://localhost/db?{option}"));
        }
        for name in ["table=a%60b", "table=a%3B--", "namespace=a%00b"] {
            refusal(&format!("mysql://localhost/db?{name}"));
        }
        for url in ["mysql:db", "mysql://local host/db", "mysql://localhost:x/db"] {
            refusal(url);
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let builder = MysqlStore::from_url("mysql://ada:hunter2@localhost/db").unwrap();
        assert!(!format!("{builder:?}").contains("hunter2"));
        let store = builder.build().unwrap();
        assert!(!format!("{store:?}").contains("hunter2"));
    }
}
