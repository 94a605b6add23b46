//! Opening a store by its URL.

use super::{AnyStore, MemoryStore};
use crate::error::{Error, ErrorKind, Result};

/// Opens the store that a URL names, so that a deployment chooses it and not the code.
///
/// | URL | store | feature |
/// |---|---|---|
/// | `memory:` | [`MemoryStore`] | |
/// | `redis:`, `redis+unix:`, `redis+cluster:`, `redis+sentinel:` | `RedisStore` | `redis` |
/// | `rediss:`, `rediss+cluster:`, `rediss+sentinel:`: the same with TLS | `RedisStore` | `redis-tls` |
///
/// Every URL takes `?namespace=NAME`: sessions of one namespace are not seen in another.
///
/// # Errors
/// [`ErrorKind::StoreUrl`] for a scheme that is not known, one whose feature is off (the message names the
/// feature), an unknown option, or a URL that its store cannot read; the message never repeats more of the
/// URL than its scheme and the names of its options, since the rest may hold a password.
/// [`ErrorKind::Unavailable`] if the store cannot be reached.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cloakroom::Error> {
/// let store = cloakroom::store::open("memory:?namespace=shop").await?;
/// # let _ = store;
/// # Ok(()) }
/// ```
pub async fn open(url: &str) -> Result<AnyStore> {
    let mut url = StoreUrl::parse(url)?;
    match url.scheme.as_str() {
        "memory" => memory(&mut url),
        "redis" | "rediss" | "valkey" | "valkeys" | "redis+unix" | "redis+cluster"
        | "rediss+cluster" | "valkey+cluster" | "valkeys+cluster" | "redis+sentinel"
        | "rediss+sentinel" | "valkey+sentinel" | "valkeys+sentinel" => redis(url).await,
        _ => Err(url.refused("is no known scheme of a store; known: memory, redis")),
    }
}

fn memory(url: &mut StoreUrl) -> Result<AnyStore> {
    if !url.location.is_empty() {
        return Err(url.refused("takes no path; use `memory:`"));
    }
    let namespace = url.option("namespace");
    url.no_more_options("namespace")?;
    let store = MemoryStore::new();
    Ok(AnyStore::new(match namespace.as_deref() {
        None | Some("") => store,
        Some(name) => store.with_namespace(name),
    }))
}

#[cfg(feature = "redis")]
async fn redis(url: StoreUrl) -> Result<AnyStore> {
    super::redis::url::from_parts(url)?.connect().await.map(AnyStore::new)
}

#[cfg(not(feature = "redis"))]
async fn redis(url: StoreUrl) -> Result<AnyStore> {
    Err(url.refused("needs the feature `redis` of cloakroom"))
}

/// A URL in the parts that all stores share.
pub(super) struct StoreUrl {
    pub(super) scheme: String,
    /// What stands between the scheme's colon and the query.
    pub(super) location: String,
    options: Vec<(String, String)>,
}

impl StoreUrl {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, location) = base.split_once(':').ok_or_else(|| {
            Error::new(
                ErrorKind::StoreUrl,
                "the URL of a store begins with a scheme and a colon, such as `memory:`",
            )
        })?;
        let options = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self { scheme: scheme.to_owned(), location: location.to_owned(), options })
    }

    /// Takes an option out of the query.
    pub(super) fn option(&mut self, name: &str) -> Option<String> {
        let at = self.options.iter().position(|(known, _)| known == name)?;
        Some(self.options.remove(at).1)
    }

    /// Refuses what no one has taken.
    pub(super) fn no_more_options(&self, known: &str) -> Result<()> {
        match self.options.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(self.refused(&format!("has no option `{name}`; known: {known}")))
            }
        }
    }

    pub(super) fn refused(&self, why: &str) -> Error {
        Error::new(ErrorKind::StoreUrl, format!("`{}:` {why}", self.scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store as _;

    async fn refusal(url: &str) -> String {
        let error = open(url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUrl);
        error.to_string()
    }

    #[tokio::test]
    async fn a_memory_store_opens_in_the_namespace_that_the_url_names() {
        assert_eq!(open("memory:").await.unwrap().name(), "memory");
        assert_eq!(open("memory:?namespace=shop").await.unwrap().name(), "memory");
    }

    #[tokio::test]
    async fn a_url_that_names_no_store_says_what_would() {
        assert!(refusal("elsewhere").await.contains("memory:"));
        assert!(refusal("foo://user:hunter2@host/").await.contains("`foo:`"));
        assert!(refusal("memory:./dir").await.contains("takes no path"));
        assert!(refusal("memory:?colour=red").await.contains("`colour`"));
    }

    #[tokio::test]
    async fn a_refused_url_is_not_repeated() {
        assert!(!refusal("foo://user:hunter2@host/?token=hunter3").await.contains("hunter"));
    }
}
