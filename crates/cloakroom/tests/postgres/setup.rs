//! A server, and a store in a namespace of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom::store::{PostgresStore, PostgresStoreBuilder};
use cloakroom_servers::Postgres;
use tokio::sync::OnceCell;

/// A namespace that nothing has used.
pub(crate) fn namespace() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // A server that runs already keeps what an earlier process has left.
    format!("test-{}-{number}", std::process::id())
}

/// The settings of the server that all tests share, its table made; `None` if there is none.
pub(crate) async fn builder() -> Option<PostgresStoreBuilder> {
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let url = Postgres::shared()?;
    let builder = || PostgresStore::from_url(url).expect("a URL").namespace(namespace());
    MIGRATED.get_or_init(async || migrated(builder()).await).await;
    Some(builder())
}

async fn migrated(builder: PostgresStoreBuilder) {
    builder.build().expect("settings").migrate().await.expect("a table");
}

/// A store on that server.
pub(crate) async fn store() -> Option<PostgresStore> {
    Some(builder().await?.build().expect("settings"))
}
