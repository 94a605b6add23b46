//! Opening the store that the command line names.

use cloakroom::Error;
use cloakroom::store::{AnyStore, open as open_store};

use crate::SettingsError;

/// The store that a URL names, with the table that it needs: a testbed keeps no database administrator busy.
///
/// # Errors
/// What [`cloakroom::store::open`] refuses or cannot reach.
pub async fn open(url: &str) -> Result<AnyStore, SettingsError> {
    let opened = match url.split_once(':') {
        #[cfg(feature = "mysql")]
        Some(("mariadb" | "mysql", _)) => mysql(url).await,
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => postgres(url).await,
        _ => open_store(url).await,
    };
    opened.map_err(|error: Error| SettingsError::new(error.to_string()))
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str) -> Result<AnyStore, Error> {
    let store = cloakroom::store::MysqlStore::from_url(url)?.build()?;
    store.migrate().await?;
    store.check().await?;
    Ok(AnyStore::new(store))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str) -> Result<AnyStore, Error> {
    let store = cloakroom::store::PostgresStore::from_url(url)?.build()?;
    store.migrate().await?;
    store.check().await?;
    Ok(AnyStore::new(store))
}
