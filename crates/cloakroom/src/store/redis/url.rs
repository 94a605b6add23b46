//! What a URL says of a store.

use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};

use super::RedisStoreBuilder;
use super::target::{Sentinels, Template, is_loopback};
use crate::error::Result;
use crate::store::AnyStore;
use crate::store::open::StoreUrl;

/// The options that a URL takes.
const OPTIONS: &str = "namespace, timeout, replicas, replicas_timeout, insecure_plaintext, sentinel_user, sentinel_password";
/// Where sentinels listen, unless the URL says another port.
const SENTINEL_PORT: u16 = 26_379;
/// How long replicas are waited for, unless the URL says: far longer than one that is well takes.
const REPLICAS_TIMEOUT: Duration = Duration::from_millis(500);

/// The servers that a URL names.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// One, always the same.
    Single(ConnectionInfo),
    /// The one that these know.
    Sentinel(Sentinels),
    /// Those of a Cluster, of which some are named.
    Cluster(Vec<(String, u16)>, Template),
}

#[cfg(feature = "redis-tls")]
impl Target {
    pub(super) fn uses_tls(&self) -> bool {
        let info = match self {
            Self::Single(info) => info,
            Self::Sentinel(sentinels) => &sentinels.server.info,
            Self::Cluster(_, server) => &server.info,
        };
        matches!(info.addr(), ConnectionAddr::TcpTls { .. })
    }
}

/// Reads a URL.
pub(super) fn parse(url: &str) -> Result<RedisStoreBuilder> {
    from_parts(StoreUrl::parse(url)?)
}

/// Opens the store that a URL names.
pub(in crate::store) async fn open(url: StoreUrl) -> Result<AnyStore> {
    from_parts(url)?.connect().await.map(AnyStore::new)
}

/// Reads a URL that was taken apart already.
pub(in crate::store) fn from_parts(mut url: StoreUrl) -> Result<RedisStoreBuilder> {
    let namespace = url.option("namespace").filter(|name| !name.is_empty());
    let timeout = url.option("timeout").map(|text| duration(&url, "timeout", &text)).transpose()?;
    let replicas = replicas(&mut url)?;
    let plaintext = match url.option("insecure_plaintext").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(url.refused("takes `insecure_plaintext=true` or none")),
    };
    let target = target(&mut url, plaintext)?;
    url.no_more_options(OPTIONS)?;
    let mut builder = RedisStoreBuilder::new(target);
    if let Some(timeout) = timeout {
        builder = builder.with_timeout(timeout);
    }
    if let Some((count, within)) = replicas {
        builder = builder.with_replicas(count, within);
    }
    if let Some(name) = namespace {
        builder = builder.with_namespace(&name);
    }
    Ok(builder)
}

fn target(url: &mut StoreUrl, plaintext: bool) -> Result<Target> {
    let scheme = url.scheme.clone();
    match scheme.split_once('+') {
        Some((scheme, "cluster")) => cluster(url, scheme, plaintext),
        Some((scheme, "sentinel")) => sentinel(url, scheme, plaintext),
        _ => single(url, &scheme, &url.location, plaintext).map(Target::Single),
    }
}

/// Some servers of a Cluster: `//[user[:password]@]host[:port][,host[:port]]…`.
fn cluster(url: &StoreUrl, scheme: &str, plaintext: bool) -> Result<Target> {
    let Many { credentials, hosts, path } = many(url)?;
    if !path.is_empty() {
        return Err(url.refused("takes no database; a Cluster has one"));
    }
    let mut seeds = Vec::new();
    let mut server = None;
    for host in hosts {
        let info = single(url, scheme, &format!("//{credentials}{host}"), plaintext)?;
        match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                seeds.push((host.clone(), *port));
            }
            _ => return Err(url.refused("takes hosts, no socket")),
        }
        server = Some(info);
    }
    let info = server.ok_or_else(|| url.refused("names no host"))?;
    Ok(Target::Cluster(seeds, Template { info, plaintext }))
}

/// Sentinels, and what they call the server: `//[user[:password]@]host[:port][,host[:port]]…/name[/database]`.
fn sentinel(url: &mut StoreUrl, scheme: &str, plaintext: bool) -> Result<Target> {
    let (user, password) = (url.option("sentinel_user"), url.option("sentinel_password"));
    let Many { credentials, hosts, path } = many(url)?;
    let (name, database) = path.split_once('/').unwrap_or((path, "0"));
    if name.is_empty() {
        return Err(url.refused("names no master; it is `//host[:port]…/name[/database]`"));
    }
    let mut addresses = Vec::new();
    for host in &hosts {
        let has_port = !host.ends_with(']') && host.contains(':');
        let host = if has_port { (*host).to_owned() } else { format!("{host}:{SENTINEL_PORT}") };
        let info = single(url, scheme, &format!("//{host}"), plaintext)?;
        let mut redis = info.redis_settings().clone();
        if let Some(user) = &user {
            redis = redis.set_username(user);
        }
        if let Some(password) = &password {
            redis = redis.set_password(password);
        }
        addresses.push(info.set_redis_settings(redis));
    }
    let host = hosts.first().ok_or_else(|| url.refused("names no host"))?;
    let info = single(url, scheme, &format!("//{credentials}{host}/{database}"), plaintext)?;
    let server = Template { info, plaintext };
    Ok(Target::Sentinel(Sentinels { addresses, name: name.to_owned(), server }))
}

/// What a URL of many hosts is made of.
struct Many<'a> {
    /// With the `@` behind them, if there are any.
    credentials: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
}

fn many(url: &StoreUrl) -> Result<Many<'_>> {
    let rest = url.location.strip_prefix("//").unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (credentials, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let hosts: Vec<&str> = hosts.split(',').collect();
    if hosts.contains(&"") {
        return Err(url.refused("names no host, or an empty one"));
    }
    Ok(Many { credentials, hosts, path })
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

fn duration(url: &StoreUrl, name: &str, text: &str) -> Result<Duration> {
    humantime::parse_duration(text).ok().filter(|timeout| !timeout.is_zero()).ok_or_else(|| {
        url.refused(&format!("has a `{name}` that is none, such as `500ms` or `2s`"))
    })
}

/// How many replicas have to confirm a write, and within what time.
fn replicas(url: &mut StoreUrl) -> Result<Option<(u32, Duration)>> {
    let within = url.option("replicas_timeout");
    let within = within.map(|text| duration(url, "replicas_timeout", &text)).transpose()?;
    match url.option("replicas") {
        None if within.is_some() => Err(url.refused("has a `replicas_timeout` but no `replicas`")),
        None => Ok(None),
        Some(count) => {
            let count = count.parse().map_err(|_| url.refused("takes a number as `replicas`"))?;
            Ok(Some((count, within.unwrap_or(REPLICAS_TIMEOUT))))
        }
    }
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
            "redis://localhost?replicas=1",
            "redis+cluster://localhost?replicas=2&replicas_timeout=50ms",
            "redis://cache.example.org?insecure_plaintext=true",
            "redis+cluster://:hunter2@localhost:7000,127.0.0.1:7001,[::1]",
            "redis+sentinel://ada:hunter2@localhost,[::1],localhost:26380/main/3?sentinel_password=x",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_url_that_says_nothing_or_too_much_is_refused() {
        assert!(refusal("redis:ada:hunter2").contains("cannot be read"));
        assert!(refusal("redis://ada:hunter2@localhost/x").contains("cannot be read"));
        assert!(refusal("redis+cluster://localhost/1").contains("no database"));
        assert!(refusal("redis+cluster://localhost?sentinel_user=x").contains("sentinel_user"));
        assert!(refusal("redis+cluster://:hunter2@").contains("no host"));
        assert!(refusal("redis+cluster:hunter2").contains("no host"));
        assert!(refusal("redis+sentinel://localhost,/main").contains("empty"));
        assert!(refusal("redis+sentinel://:hunter2@localhost").contains("no master"));
        assert!(refusal("redis+sentinel://localhost/main/x").contains("cannot be read"));
        assert!(refusal("redis://localhost#insecure").contains("cannot be read"));
        assert!(refusal("redis://localhost?colour=hunter").contains("`colour`"));
        assert!(refusal("redis://localhost?timeout=hunter").contains("`timeout`"));
        assert!(refusal("redis://localhost?timeout=0s").contains("`timeout`"));
        assert!(refusal("redis://localhost?replicas=hunter").contains("`replicas`"));
        assert!(refusal("redis://localhost?replicas=-1").contains("`replicas`"));
        assert!(refusal("redis://localhost?replicas_timeout=1s").contains("no `replicas`"));
        assert!(
            refusal("redis://localhost?replicas=1&replicas_timeout=0s")
                .contains("`replicas_timeout`")
        );
        assert!(refusal("redis://localhost?insecure_plaintext=1").contains("true"));
    }

    #[test]
    fn s_100_a_network_is_not_trusted_unless_the_url_says_so() {
        for host in ["cache", "10.0.0.1", "localhost.example.org", "[2001:db8::1]"] {
            for url in [
                format!("redis://:hunter2@{host}:6379/0"),
                format!("redis+cluster://:hunter2@localhost,{host}"),
                format!("redis+sentinel://:hunter2@localhost,{host}/main"),
            ] {
                assert!(refusal(&url).contains("in the clear"), "{url}");
            }
        }
    }

    #[cfg(not(feature = "redis-tls"))]
    #[test]
    fn tls_without_its_feature_is_refused_with_its_name() {
        assert!(refusal("rediss://:hunter2@localhost").contains("`redis-tls`"));
    }
}
