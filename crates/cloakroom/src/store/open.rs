//! Opening a store by its URL.

use percent_encoding::percent_decode_str;

use super::{AnyStore, MemoryStore};
use crate::error::{Error, ErrorKind, Result};

/// The schemes beside `memory:`, and the features that bring them.
const FEATURES: [(&str, &str); 22] = [
    ("file", "file"),
    ("mariadb", "mysql"),
    ("mysql", "mysql"),
    ("litestar+file", "litestar"),
    ("litestar+redis", "litestar"),
    ("litestar+valkey", "litestar"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("redis", "redis"),
    ("redis+unix", "redis"),
    ("redis+cluster", "redis"),
    ("redis+sentinel", "redis"),
    ("rediss", "redis-tls"),
    ("rediss+cluster", "redis-tls"),
    ("rediss+sentinel", "redis-tls"),
    ("valkey", "redis"),
    ("valkey+cluster", "redis"),
    ("valkey+sentinel", "redis"),
    ("valkeys", "redis-tls"),
    ("valkeys+cluster", "redis-tls"),
    ("valkeys+sentinel", "redis-tls"),
    ("sqlite", "sqlite"),
];

/// Whether the tables of a database are made before it is used.
#[derive(Clone, Copy)]
pub(super) enum Tables {
    /// They must be there.
    Expect,
    /// They are made, or brought to this version.
    Migrate,
}

/// Opens the store that a URL names, so that a deployment chooses it and not the code.
///
/// | URL | store | feature |
/// |---|---|---|
/// | `memory:` | [`MemoryStore`] | |
/// | `file:./sessions`, `file:///var/lib/sessions` | `FileStore` in that folder; Unix only | `file` |
/// | `mysql://user:password@host/database` | `MysqlStore` | `mysql` |
/// | `litestar+file:./sessions` | `litestar::FileStore`: the same in a folder | `litestar` |
/// | `litestar+redis://host/0?namespace=LITESTAR` | `litestar::RedisStore`: a Litestar application's sessions | `litestar` |
/// | `postgres://user:password@host/database` | `PostgresStore` | `postgres` |
/// | `sqlite:./sessions.db`, `sqlite:///var/lib/sessions.db` | `SqliteStore` on that file | `sqlite` |
/// | `redis:`, `redis+unix:`, `redis+cluster:`, `redis+sentinel:` | `RedisStore` | `redis` |
/// | `rediss:`, `rediss+cluster:`, `rediss+sentinel:`: the same with TLS | `RedisStore` | `redis-tls` |
///
/// In a query, `%` and two digits stand for a byte; everything else, `+` included, stands for itself.
/// Every URL takes `?namespace=NAME`: sessions of one namespace are not seen in another.
/// `file:` takes `timeout=DURATION` as well; `sqlite:` that, and `synchronous=full` or `normal`. A path is taken as it
/// is, up to the question mark.
///
/// # Errors
/// [`ErrorKind::StoreUrl`] for a scheme that is not known, one whose feature is off (the message names the
/// feature), an unknown option, or a URL that its store cannot read; the message never repeats more of the
/// URL than its scheme and the names of its options, since the rest may hold a password.
/// [`ErrorKind::Unavailable`] if the store cannot be reached, or is a database that lacks the table:
/// [`open_and_migrate`] makes it.
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
    open_with(url, Tables::Expect).await
}

/// Opens the store that a URL names, as [`open`] does, and makes its table first if it is a database without one.
///
/// For an application whose role may create tables, or that nobody set up a database for. Any number of instances may
/// do it at once, and at each start. Where the role has no such right, the migrations are run beforehand by one that has
/// (see `PostgresStore::migrate` and `MysqlStore::migrate`), and `open` is enough.
///
/// # Errors
/// As [`open`]; [`ErrorKind::Unavailable`] also if the role may not create the table.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cloakroom::Error> {
/// let store = cloakroom::store::open_and_migrate("memory:").await?;
/// # let _ = store;
/// # Ok(()) }
/// ```
pub async fn open_and_migrate(url: &str) -> Result<AnyStore> {
    open_with(url, Tables::Migrate).await
}

#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    expect(unused_variables, reason = "no store of these features has tables")
)]
async fn open_with(url: &str, tables: Tables) -> Result<AnyStore> {
    let mut url = StoreUrl::parse(url)?;
    match url.scheme.as_str() {
        "memory" => memory(&mut url),
        #[cfg(all(feature = "file", unix))]
        "file" => super::file::open(&mut url).await,
        #[cfg(feature = "mysql")]
        "mariadb" | "mysql" => super::mysql::open(&mut url, tables).await,
        #[cfg(feature = "litestar")]
        "litestar+file" => super::litestar::open_file(url),
        #[cfg(feature = "litestar")]
        "litestar+redis" | "litestar+valkey" => super::litestar::open_redis(url).await,
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => super::postgres::open(&mut url, tables).await,
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "valkey" | "valkeys" | "redis+unix" | "redis+cluster"
        | "rediss+cluster" | "valkey+cluster" | "valkeys+cluster" | "redis+sentinel"
        | "rediss+sentinel" | "valkey+sentinel" | "valkeys+sentinel" => {
            super::redis::open(url).await
        }
        #[cfg(feature = "sqlite")]
        "sqlite" => super::sqlite::open(&mut url).await,
        scheme => Err(match FEATURES.iter().find(|(known, _)| *known == scheme) {
            Some((_, feature)) => {
                url.refused(&format!("needs the feature `{feature}` of cloakroom; enable it"))
            }
            None => url.refused(&format!(
                "is no known scheme of a store; known: memory, {}",
                FEATURES.map(|(known, _)| known).join(", ")
            )),
        }),
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
        // As RFC 3986 has it: a `+` is a plus, also in a password. Only forms read it as a blank.
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let options = query
            .split('&')
            .filter(|option| !option.is_empty())
            .map(|option| option.split_once('=').unwrap_or((option, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        Ok(Self { scheme: scheme.to_owned(), location: location.to_owned(), options })
    }

    /// Takes an option out of the query.
    pub(super) fn option(&mut self, name: &str) -> Option<String> {
        let at = self.options.iter().position(|(known, _)| known == name)?;
        Some(self.options.remove(at).1)
    }

    /// Takes an option that is a number.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn number(&mut self, name: &str) -> Result<Option<usize>> {
        let Some(text) = self.option(name) else { return Ok(None) };
        let number = text.parse();
        number.map(Some).map_err(|_| self.refused(&format!("takes a number as `{name}`")))
    }

    /// Takes an option that is a time.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn duration(&mut self, name: &str) -> Result<Option<std::time::Duration>> {
        let Some(text) = self.option(name) else { return Ok(None) };
        let duration = humantime::parse_duration(&text);
        duration
            .map(Some)
            .map_err(|_| self.refused(&format!("takes a time such as `500ms` as `{name}`")))
    }

    /// Whether `sslmode=disable` allows to talk without encryption to another machine; `instead` is what to
    /// pass for TLS, and to whom.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn says_plain(&mut self, instead: &str) -> Result<bool> {
        match self.option("sslmode").as_deref() {
            None => Ok(false),
            Some("disable") => Ok(true),
            Some(_) => {
                Err(self.refused(&format!("has no TLS; pass {instead}, or say `sslmode=disable`")))
            }
        }
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

    #[test]
    fn a_plus_is_a_plus_and_only_percent_signs_are_decoded() {
        let url = "x:?password=a+b%2Bc%20d%26e=f%&empty=&bare&%6eamespace=shop&&namespace=";
        let mut url = StoreUrl::parse(url).unwrap();
        assert_eq!(url.option("password").as_deref(), Some("a+b+c d&e=f%"));
        assert_eq!(url.option("empty").as_deref(), Some(""));
        assert_eq!(url.option("bare").as_deref(), Some(""));
        assert_eq!(url.option("namespace").as_deref(), Some("shop"));
        assert_eq!(url.option("namespace").as_deref(), Some(""));
        url.no_more_options("").unwrap();
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_sqlite_store_opens_on_the_file_that_the_url_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        for options in ["", "?namespace=shop", "?synchronous=normal&timeout=1s"] {
            let url = format!("sqlite:{}{options}", path.display());
            assert_eq!(open(&url).await.unwrap().name(), "sqlite");
        }
        let url = format!("sqlite://{}", path.display());
        assert_eq!(open(&url).await.unwrap().name(), "sqlite");
        assert!(path.exists());
        for (url, says) in [
            ("sqlite:", "the path of a file"),
            ("sqlite::memory:", "use `memory:`"),
            ("sqlite://host/file", "takes a path"),
            ("sqlite:./f?synchronous=off", "synchronous=full"),
            ("sqlite:./f?timeout=soon", "duration"),
            ("sqlite:./f?cache=shared", "`cache`"),
        ] {
            let refusal = refusal(url).await;
            assert!(refusal.contains(says), "{url}: {refusal}");
        }
    }

    #[cfg(all(feature = "file", unix))]
    #[tokio::test]
    async fn a_file_store_opens_in_the_folder_that_the_url_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions");
        for url in ["file:", "file://"] {
            for options in ["", "?namespace=shop", "?timeout=1s"] {
                let url = format!("{url}{}{options}", path.display());
                assert_eq!(open(&url).await.unwrap().name(), "file");
            }
        }
        assert!(path.is_dir());
        for (url, says) in [
            ("file:", "the path of a folder"),
            ("file://host/folder", "takes a path"),
            ("file:./d?timeout=soon", "duration"),
            ("file:./d?synchronous=off", "`synchronous`"),
        ] {
            let refusal = refusal(url).await;
            assert!(refusal.contains(says), "{url}: {refusal}");
        }
    }

    #[cfg(not(feature = "sqlite"))]
    #[tokio::test]
    async fn a_store_whose_feature_is_off_names_the_feature() {
        assert!(refusal("sqlite:./f").await.contains("feature `sqlite`"));
    }

    #[tokio::test]
    async fn a_refused_url_is_not_repeated() {
        assert!(!refusal("foo://user:hunter2@host/?token=hunter3").await.contains("hunter"));
    }
}
