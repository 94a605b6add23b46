//! Opening the store that the command line names.

use cloakroom::store::{AnyStore, open as open_store};

use crate::SettingsError;

/// The store that a URL names.
///
/// # Errors
/// What [`cloakroom::store::open`] refuses or cannot reach.
pub async fn open(url: &str) -> Result<AnyStore, SettingsError> {
    open_store(url).await.map_err(|error| SettingsError::new(error.to_string()))
}
