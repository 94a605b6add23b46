//! `sqlite:PATH?OPTIONS`.

use super::{SqliteStore, SqliteSynchronous};
use crate::error::Result;
use crate::store::AnyStore;
use crate::store::open::StoreUrl;

const OPTIONS: &str = "namespace, synchronous, timeout";

/// Opens the store of a URL: a relative path, an absolute one, or an absolute one after `//`.
pub(in crate::store) async fn open(url: &mut StoreUrl) -> Result<AnyStore> {
    let path = match url.location.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path.to_owned(),
        // A host is no part of it, and SQLite's own names for databases in memory are no files.
        Some(_) => return Err(url.refused("takes a path; use `sqlite:./file` or `sqlite:///file`")),
        None => url.location.clone(),
    };
    if path.is_empty() || path == ":memory:" {
        return Err(url.refused("takes the path of a file; for a store in memory use `memory:`"));
    }
    let mut builder = SqliteStore::builder();
    builder = match url.option("synchronous").as_deref() {
        None | Some("full") => builder.with_synchronous(SqliteSynchronous::Full),
        Some("normal") => builder.with_synchronous(SqliteSynchronous::Normal),
        Some(_) => return Err(url.refused("takes `synchronous=full` or `synchronous=normal`")),
    };
    if let Some(timeout) = url.option("timeout") {
        let timeout = humantime::parse_duration(&timeout)
            .map_err(|_| url.refused("takes a duration as `timeout`, such as `timeout=500ms`"))?;
        builder = builder.with_timeout(timeout);
    }
    let namespace = url.option("namespace");
    url.no_more_options(OPTIONS)?;
    let store = builder.open(path).await?;
    Ok(AnyStore::new(match namespace.as_deref() {
        None | Some("") => store,
        Some(name) => store.with_namespace(name),
    }))
}
