//! What a URL says of a store.

use std::net::IpAddr;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};

use super::RedisStoreBuilder;
use crate::error::Result;
use crate::store::open::StoreUrl;

/// The options that a URL takes.
const OPTIONS: &str = "namespace, timeout, insecure_plaintext";

/// The servers that a URL names.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// One, always the same.
    Single(ConnectionInfo),
}

/// Reads a URL.
pub(super) fn parse(url: &str) -> Result<RedisStoreBuilder> {
    from_parts(StoreUrl::parse(url)?)
}

/// Reads a URL that was taken apart already.
pub(in crate::store) fn from_parts(mut url: StoreUrl) -> Result<RedisStoreBuilder> {
    let namespace = url.option("namespace").filter(|name| !name.is_empty());
    let timeout = url.option("timeout").map(|text| duration(&url, &text)).transpose()?;
    let plaintext = match url.option("insecure_plaintext").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(url.refused("takes `insecure_plaintext=true` or none")),
    };
    url.no_more_options(OPTIONS)?;
    let mut builder = RedisStoreBuilder::new(target(&url, plaintext)?);
    if let Some(timeout) = timeout {
        builder = builder.with_timeout(timeout);
    }
    if let Some(name) = namespace {
        builder = builder.with_namespace(&name);
    }
    Ok(builder)
}

fn target(url: &StoreUrl, plaintext: bool) -> Result<Target> {
    single(url, &url.scheme, &url.location, plaintext).map(Target::Single)
}

/// One server: `//[user[:password]@]host[:port][/database]`.
fn single(url: &StoreUrl, scheme: &str, location: &str, plaintext: bool) -> Result<ConnectionInfo> {
    let is_tls = matches!(scheme, "rediss" | "valkeys");
    if is_tls && !cfg!(feature = "redis-tls") {
        return Err(url.refused("needs the feature `redis-tls`"));
    }
    // What stands behind a `#` would switch the check of certificates off.
    let readable = (!location.contains('#'))
        .then(|| format!("{scheme}:{location}").into_connection_info().ok())
        .flatten();
    let Some(info) = readable else {
        return Err(url.refused(
            "cannot be read; it is `//[user[:password]@]host[:port][/database]`, with `%` and two digits \
             for each special character",
        ));
    };
    match info.addr() {
        ConnectionAddr::Tcp(host, _) if !plaintext && !is_loopback(host) => Err(url.refused(
            "would send passwords and sessions in the clear to another machine; use `rediss:` (feature \
             `redis-tls`), or say `?insecure_plaintext=true` if the network between is yours alone",
        )),
        _ => Ok(info),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn duration(url: &StoreUrl, text: &str) -> Result<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|timeout| !timeout.is_zero())
        .ok_or_else(|| url.refused("has a `timeout` that is none, such as `500ms` or `2s`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[track_caller]
    fn refusal(url: &str) -> String {
        let error = parse(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUrl);
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        error.to_string()
    }

    #[test]
    fn a_url_names_a_server_and_settings() {
        for url in [
            "redis://localhost",
            "redis://127.0.0.1:6380/2?namespace=shop&timeout=500ms",
            "redis://[::1]:6380",
            "valkey://ada:hunter2@localhost/0",
            "redis+unix:///run/redis.sock",
            "redis://cache.example.org?insecure_plaintext=true",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_url_that_says_nothing_or_too_much_is_refused() {
        assert!(refusal("redis:ada:hunter2").contains("cannot be read"));
        assert!(refusal("redis://ada:hunter2@localhost/x").contains("cannot be read"));
        assert!(refusal("redis://localhost#insecure").contains("cannot be read"));
        assert!(refusal("redis://localhost?colour=hunter").contains("`colour`"));
        assert!(refusal("redis://localhost?timeout=hunter").contains("`timeout`"));
        assert!(refusal("redis://localhost?timeout=0s").contains("`timeout`"));
        assert!(refusal("redis://localhost?insecure_plaintext=1").contains("true"));
    }

    #[test]
    fn s_100_a_network_is_not_trusted_unless_the_url_says_so() {
        for host in ["cache", "10.0.0.1", "localhost.example.org", "[2001:db8::1]"] {
            let url = format!("redis://:hunter2@{host}:6379/0");
            assert!(refusal(&url).contains("in the clear"), "{url}");
        }
    }

    #[cfg(not(feature = "redis-tls"))]
    #[test]
    fn tls_without_its_feature_is_refused_with_its_name() {
        assert!(refusal("rediss://:hunter2@localhost").contains("`redis-tls`"));
    }
}
