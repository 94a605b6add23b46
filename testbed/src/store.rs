//! Opening the store that the command line names.

use cloakroom::store::{AnyStore, open_and_migrate};

use crate::SettingsError;

/// The store that a URL names, with the table that it needs: a testbed keeps no database administrator busy.
///
/// # Errors
/// What [`cloakroom::store::open_and_migrate`] refuses or cannot reach.
pub async fn open(url: &str) -> Result<AnyStore, SettingsError> {
    open_and_migrate(url).await.map_err(|error| SettingsError::new(error.to_string()))
}
