//! Opening a store by its URL.

use cloakroom::MemoryStore;
use cloakroom::store::AnyStore;

use crate::SettingsError;

/// The store that a URL names. Only `memory:` is there.
///
/// # Errors
/// For every other scheme and for the wrappers, which are not there yet.
pub fn open(url: &str) -> Result<AnyStore, SettingsError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    if base != "memory:" {
        // The scheme alone: the rest of a URL may hold a password.
        let scheme = base.split(':').next().unwrap_or_default();
        if scheme == "memory" {
            return Err(SettingsError::new("`memory:` takes no path; use `--store memory:`"));
        }
        return Err(SettingsError::new(format!(
            "no store for `{scheme}:` is there yet; use `--store memory:`"
        )));
    }
    let mut store = MemoryStore::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("namespace", "")) => {}
            Some(("namespace", name)) => store = store.with_namespace(name),
            _ => {
                let name = option.split('=').next().unwrap_or_default();
                return Err(SettingsError::new(format!(
                    "`{name}` is no option of `memory:`, or its wrapper is not there yet; known: namespace"
                )));
            }
        }
    }
    Ok(AnyStore::new(store))
}
