//! A server, and a store in a namespace of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::store::{PostgresStore, PostgresStoreBuilder};
use cloakroom_servers::{PgBouncer, Postgres, required};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// The role of the application: it may read and write the table, and create nothing.
const ROLE: &str = "cloakroom_test";

/// Settings by a URL, with a timeout that a busy machine keeps.
pub(crate) fn patient(url: &str) -> PostgresStoreBuilder {
    PostgresStore::from_url(url).expect("a URL").with_timeout(Duration::from_secs(60))
}

/// A name that nothing has used.
pub(crate) fn fresh(what: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // A server that runs already keeps what an earlier process has left.
    format!("{what}_{}_{number}", std::process::id())
}

/// The settings of the server that all tests share, its table made; `None` if there is none.
pub(crate) async fn builder() -> Option<PostgresStoreBuilder> {
    with_options("").await
}

/// The same, with more options in the URL.
pub(crate) async fn with_options(options: &str) -> Option<PostgresStoreBuilder> {
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let url = Postgres::shared()?;
    MIGRATED.get_or_init(|| migrate(url)).await;
    let url = format!("{url}?options=-c%20role%3D{ROLE}{options}");
    Some(patient(&url).with_namespace(fresh("test")))
}

/// Makes the table as its owner, and the role that the store gets.
async fn migrate(url: &str) {
    patient(url).build().expect("settings").migrate().await.expect("a table");
    let owner = client(url).await;
    let role = format!(
        "DO $$ BEGIN CREATE ROLE {ROLE}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT SELECT, INSERT, UPDATE, DELETE ON public.cloakroom_sessions TO {ROLE};
         GRANT SELECT ON public.cloakroom_sessions_migrations TO {ROLE}"
    );
    owner.batch_execute(&role).await.expect("a role");
}

/// A store on that server.
pub(crate) async fn store() -> Option<PostgresStore> {
    Some(builder().await?.build().expect("settings"))
}

/// A store on that server that keeps its statements prepared and tells of ends.
pub(crate) async fn prepared() -> Option<PostgresStore> {
    let builder = builder().await?.with_prepared_statements(true).with_notifications(true);
    Some(builder.build().expect("settings"))
}

/// A store that reaches it through PgBouncer.
pub(crate) async fn bounced() -> Option<PostgresStore> {
    store().await?;
    let builder = patient(PgBouncer::shared()?);
    Some(builder.with_namespace(fresh("test")).build().expect("settings"))
}

/// A server of its own with its table; `None` if there is none.
pub(crate) async fn server(settings: &[&str]) -> Option<Postgres> {
    let server = required("postgresql", Postgres::start(settings))?;
    on(&server).build().expect("settings").migrate().await.expect("a table");
    Some(server)
}

/// Settings of a store on a server of its own.
pub(crate) fn on(server: &Postgres) -> PostgresStoreBuilder {
    patient(&server.url())
}

/// A connection beside the store.
pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(async move {
        // It ends with its server in some tests.
        let _ = connection.await;
    });
    client
}

/// A connection beside the store, to the server that all tests share.
pub(crate) async fn shared_client() -> Client {
    client(Postgres::shared().expect("it was there for the store")).await
}

/// A store on the shared server as the URL reaches it, in a namespace of its own.
pub(crate) fn through(url: &str) -> PostgresStore {
    let url = format!("{url}?namespace={}", fresh("through"));
    patient(&url).with_max_connections(1).build().unwrap()
}
