//! Stores by name.

use std::collections::BTreeMap;

use super::{AnyStore, Store};
use crate::config::ServerSideSessionConfig;
use crate::error::{Error, ErrorKind, Result};

/// Named stores, so that a configuration can say which one it means.
///
/// # Examples
/// ```
/// use cloakroom::store::StoreRegistry;
/// use cloakroom::{MemoryStore, ServerSideSessionConfig};
///
/// let mut stores = StoreRegistry::new();
/// stores.register("sessions", MemoryStore::new())?;
/// let store = ServerSideSessionConfig::default().get_store_from_app(&stores)?;
/// assert!(stores.get("nowhere").unwrap_err().to_string().contains("sessions"));
/// # let _ = store;
/// # Ok::<(), cloakroom::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct StoreRegistry {
    stores: BTreeMap<String, AnyStore>,
}

impl StoreRegistry {
    /// No stores yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a store.
    ///
    /// # Errors
    /// [`ErrorKind::DuplicateStore`] if the name is taken; the registered store stays.
    pub fn register(&mut self, name: impl Into<String>, store: impl Store) -> Result<()> {
        let name = name.into();
        if self.stores.contains_key(&name) {
            return Err(Error::new(
                ErrorKind::DuplicateStore,
                format!("a store named `{name}` is registered already; choose another name"),
            ));
        }
        self.stores.insert(name, AnyStore::new(store));
        Ok(())
    }

    /// The store of this name.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownStore`], with the names that there are.
    pub fn get(&self, name: &str) -> Result<AnyStore> {
        self.stores.get(name).cloned().ok_or_else(|| {
            let known: Vec<_> = self.stores.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Error::new(
                ErrorKind::UnknownStore,
                format!("no store is named `{name}`; registered: {known}"),
            )
        })
    }
}

impl ServerSideSessionConfig {
    /// The store that the field `store` names.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownStore`], with the names that there are.
    pub fn get_store_from_app(&self, stores: &StoreRegistry) -> Result<AnyStore> {
        stores.get(&self.store)
    }
}
