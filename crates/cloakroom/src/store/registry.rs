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

    /// Opens the stores that a table names, from name to [URL](super::open), such as `[stores]` of a TOML file.
    ///
    /// # Errors
    /// As [`open`](super::open), with the name in the message; nothing is registered then.
    /// [`ErrorKind::DuplicateStore`] for a name that comes twice.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cloakroom::Error> {
    /// use cloakroom::store::StoreRegistry;
    ///
    /// let stores = StoreRegistry::open([("sessions", "memory:"), ("admin", "memory:?namespace=admin")]).await?;
    /// # let _ = stores.get("admin")?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "open")]
    pub async fn open<N, U>(urls: impl IntoIterator<Item = (N, U)>) -> Result<Self>
    where
        N: Into<String>,
        U: AsRef<str>,
    {
        let mut stores = Self::new();
        for (name, url) in urls {
            let name = name.into();
            let store = super::open(url.as_ref()).await.map_err(|error| {
                Error::new(error.kind(), format!("the store named `{name}`: {error}"))
                    .with_source(error)
            })?;
            stores.register(name, store)?;
        }
        Ok(stores)
    }

    /// Opens the stores that the environment names: `CLOAKROOM_STORE_SESSIONS=redis://…` is the URL of the store
    /// `sessions`. Names are in lower case.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`ErrorKind::StoreUrl`] for a value that is no Unicode.
    #[cfg(feature = "open")]
    pub async fn from_env() -> Result<Self> {
        Self::open(urls_of(std::env::vars_os())?).await
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

/// Names and URLs of the variables that name stores.
#[cfg(feature = "open")]
fn urls_of(
    variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
) -> Result<Vec<(String, String)>> {
    const PREFIX: &str = "CLOAKROOM_STORE_";
    let named = variables.filter_map(|(variable, url)| {
        let name = variable.to_str()?.strip_prefix(PREFIX)?.to_ascii_lowercase();
        (!name.is_empty()).then_some((name, url))
    });
    named
        .map(|(name, url)| match url.into_string() {
            Ok(url) => Ok((name, url)),
            Err(_) => Err(Error::new(
                ErrorKind::StoreUrl,
                format!("the URL of the store named `{name}` is no Unicode"),
            )),
        })
        .collect()
}

#[cfg(all(test, feature = "open"))]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_stores_in_lower_case() {
        let variables = [
            ("CLOAKROOM_STORE_SESSIONS", "memory:"),
            ("CLOAKROOM_STORE_", "memory:"),
            ("CLOAKROOM_STORES", "memory:"),
            ("PATH", "/bin"),
        ];
        let urls = urls_of(variables.map(|(name, url)| (name.into(), url.into())).into_iter());
        assert_eq!(urls.unwrap(), [("sessions".to_owned(), "memory:".to_owned())]);
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_opened_says_whose_it_is_and_not_what() {
        let urls = [("sessions", "memory:"), ("admin", "oracle://ada:hunter2@host")];
        let error = StoreRegistry::open(urls).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUrl);
        let text = format!("{error} {error:?}");
        assert!(text.contains("`admin`") && text.contains("`oracle:`"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[tokio::test]
    async fn a_name_that_comes_twice_is_refused() {
        let error = StoreRegistry::open([("a", "memory:"), ("a", "memory:")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DuplicateStore);
    }
}
