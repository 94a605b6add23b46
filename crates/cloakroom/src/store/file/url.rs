//! `file:PATH?OPTIONS`.

use super::FileStore;
use crate::error::Result;
use crate::store::AnyStore;
use crate::store::open::StoreUrl;

const OPTIONS: &str = "namespace, timeout";

/// Opens the store of a URL: a relative path, an absolute one, or an absolute one after `//`.
pub(in crate::store) async fn open(url: &mut StoreUrl) -> Result<AnyStore> {
    let path = match url.location.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path.to_owned(),
        Some(_) => return Err(url.refused("takes a path; use `file:./folder` or `file:///folder`")),
        None => url.location.clone(),
    };
    if path.is_empty() {
        return Err(url.refused("takes the path of a folder, such as `file:./sessions`"));
    }
    let mut builder = FileStore::builder();
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
