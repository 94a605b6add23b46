//! A server, and a store in a namespace of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::store::{MysqlStore, MysqlStoreBuilder};
use cloakroom_servers::{MysqlServer, required};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::sync::OnceCell;

/// The user of the application: it may read and write the table, and create nothing.
const USER: &str = "cloakroom_test";

/// What a busy machine keeps.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Settings by a URL, with a timeout that a busy machine keeps.
pub(crate) fn patient(url: &str) -> MysqlStoreBuilder {
    MysqlStore::from_url(url).expect("a URL").with_timeout(TIMEOUT)
}

/// A name that nothing has used.
pub(crate) fn fresh(what: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // A server that runs already keeps what an earlier process has left.
    format!("{what}_{}_{number}", std::process::id())
}

/// Where the server that all tests share is, its table made, for the user of the application.
pub(crate) async fn opts() -> Option<OptsBuilder> {
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let url = MysqlServer::shared()?;
    MIGRATED.get_or_init(|| migrate(url)).await;
    let opts = OptsBuilder::from_opts(Opts::from_url(url).expect("a URL"));
    Some(opts.prefer_socket(false).user(Some(USER)).pass(Some(USER)))
}

/// Makes the table as its owner, and the user that the store gets.
async fn migrate(url: &str) {
    patient(url).build().expect("settings").migrate().await.expect("a table");
    let mut owner = client(url).await;
    for sql in [
        format!("CREATE USER IF NOT EXISTS {USER}@'%' IDENTIFIED BY '{USER}'"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON cloakroom_sessions TO {USER}@'%'"),
        format!("GRANT SELECT ON cloakroom_sessions_migrations TO {USER}@'%'"),
    ] {
        owner.query_drop(sql).await.expect("a user");
    }
}

/// The settings of a store on that server, in a namespace of its own; `None` if there is none.
pub(crate) async fn builder() -> Option<MysqlStoreBuilder> {
    let builder = MysqlStore::from_opts(opts().await?).with_timeout(TIMEOUT);
    Some(builder.with_namespace(fresh("test")))
}

/// A store on that server.
pub(crate) async fn store() -> Option<MysqlStore> {
    Some(builder().await?.build().expect("settings"))
}

/// A store whose connections run at another level of isolation, and count rows in the other way.
pub(crate) async fn read_committed() -> Option<MysqlStore> {
    let level = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
    let opts = opts().await?.init(vec![level]).client_found_rows(true);
    let builder = MysqlStore::from_opts(opts).with_timeout(TIMEOUT);
    Some(builder.with_namespace(fresh("test")).build().expect("settings"))
}

/// A server of its own with its table; `None` if there is none.
pub(crate) async fn server(settings: &[&str]) -> Option<MysqlServer> {
    let server = required("mariadb-server", MysqlServer::start(settings))?;
    on(&server).build().expect("settings").migrate().await.expect("a table");
    Some(server)
}

/// Settings of a store on a server of its own.
pub(crate) fn on(server: &MysqlServer) -> MysqlStoreBuilder {
    patient(&server.url())
}

/// A connection beside the store.
pub(crate) async fn client(url: &str) -> Conn {
    let opts = OptsBuilder::from_opts(Opts::from_url(url).expect("a URL")).prefer_socket(false);
    Conn::new(opts).await.expect("a connection")
}

/// A connection beside the store, to the server that all tests share.
pub(crate) async fn shared_client() -> Conn {
    client(MysqlServer::shared().expect("it was there for the store")).await
}

/// A table of the numbers from 1, `seq` each, as all servers know it.
pub(crate) fn numbers(to: usize) -> String {
    format!(
        "JSON_TABLE(CONCAT('[0', REPEAT(',0', {to} - 1), ']'), '$[*]' COLUMNS (seq FOR ORDINALITY)) AS numbers"
    )
}

/// A store on the shared server as the URL reaches it, in a namespace of its own.
pub(crate) fn through(url: &str) -> MysqlStore {
    let url = format!("{url}?namespace={}", fresh("through"));
    patient(&url).with_max_connections(1).build().unwrap()
}
