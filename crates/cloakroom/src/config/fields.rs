use std::collections::BTreeSet;
use std::time::Duration;

use crate::cookie::Spelling;
use crate::id::IdFormat;
use crate::record::{Encoding, Limits};

use super::set::{duration, optional_duration};

const DAY: u64 = 24 * 60 * 60;

/// Everything about sessions that can be set, with secure defaults.
///
/// Made by a preset and `with_…` methods, or read by serde: durations are whole seconds or text such as
/// `1h30m`, unknown fields are refused. It is checked as a whole when a backend is built from it, so that the
/// order of the calls does not matter and an illegal combination never serves.
///
/// # Examples
/// ```
/// use cloakroom::{ServerSideSessionConfig, SameSite};
/// use std::time::Duration;
///
/// let config = ServerSideSessionConfig::default()
///     .with_max_age(Duration::from_secs(1800))
///     .with_samesite(SameSite::Strict);
/// # let _ = config;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSideSessionConfig {
    pub(super) session_id_bytes: usize,
    pub(super) id_format: IdFormat,
    pub(super) renew_on_access: bool,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) renew_every: Option<Duration>,
    pub(super) key: String,
    pub(super) prefix: CookiePrefix,
    #[serde(deserialize_with = "duration")]
    pub(super) max_age: Duration,
    pub(super) browser_session: bool,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) absolute_timeout: Option<Duration>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) rotate_every: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(super) rotation_grace: Duration,
    pub(super) scopes: BTreeSet<Scope>,
    pub(super) path: String,
    pub(super) domain: Option<String>,
    pub(super) secure: bool,
    pub(super) httponly: bool,
    pub(super) samesite: SameSite,
    pub(super) partitioned: bool,
    pub(super) exclude: Vec<String>,
    pub(super) exclude_opt_key: String,
    pub(crate) store: String,
    pub(super) encoding: Encoding,
    pub(super) max_bytes: usize,
    pub(super) max_keys: usize,
    pub(super) max_key_bytes: usize,
    pub(super) max_depth: usize,
    pub(super) max_sessions_per_subject: Option<usize>,
    pub(super) subject_limit_policy: SubjectLimitPolicy,
    pub(super) max_creations_per_second: Option<u32>,
    pub(super) save_on_server_error: bool,
    #[serde(deserialize_with = "duration")]
    pub(super) operation_timeout: Duration,
    #[serde(skip)]
    pub(super) spelling: Spelling,
    #[serde(skip)]
    pub(super) loopback_only: bool,
}

impl Default for ServerSideSessionConfig {
    fn default() -> Self {
        Self {
            session_id_bytes: 32,
            id_format: IdFormat::Base64Url,
            renew_on_access: false,
            renew_every: None,
            key: "session".to_owned(),
            prefix: CookiePrefix::Auto,
            max_age: Duration::from_secs(14 * DAY),
            browser_session: false,
            absolute_timeout: None,
            rotate_every: None,
            rotation_grace: Duration::from_secs(30),
            scopes: BTreeSet::from([Scope::Http, Scope::Websocket]),
            path: "/".to_owned(),
            domain: None,
            secure: true,
            httponly: true,
            samesite: SameSite::Lax,
            partitioned: false,
            exclude: Vec::new(),
            exclude_opt_key: "skip_session".to_owned(),
            store: "sessions".to_owned(),
            encoding: Encoding::Json,
            max_bytes: 16 * 1024,
            max_keys: 128,
            max_key_bytes: 128,
            max_depth: 32,
            max_sessions_per_subject: None,
            subject_limit_policy: SubjectLimitPolicy::EvictOldest,
            max_creations_per_second: None,
            save_on_server_error: false,
            operation_timeout: Duration::from_secs(2),
            spelling: Spelling::Own,
            loopback_only: false,
        }
    }
}

impl ServerSideSessionConfig {
    /// The defaults, but over plain http: **for work on one's own machine alone**.
    ///
    /// The cookie has neither `Secure` nor a prefix: whoever is on the network could read it and be signed in as
    /// its owner. Behind a proxy that ends TLS the defaults work, not this.
    ///
    /// A request whose `Host` is not a loopback one has no session but an
    /// [`InsecureHost`](crate::ErrorKind::InsecureHost) error, and each start logs a warning, so that it cannot
    /// go into service unnoticed.
    pub fn development() -> Self {
        Self { secure: false, loopback_only: true, ..Self::default() }
    }

    /// Litestar's defaults to the letter: hexadecimal IDs, its order and case of cookie attributes, no
    /// `Secure`, no prefix. For sharing sessions with a Litestar application; otherwise use the defaults.
    pub fn litestar() -> Self {
        Self {
            id_format: IdFormat::Hex,
            prefix: CookiePrefix::None,
            secure: false,
            spelling: Spelling::Litestar,
            ..Self::default()
        }
    }

    /// Bytes of an ID, handle included. Default: 32, of which 16 are the handle and 16 the secret: 128 random
    /// bits, as OWASP ASVS 5.0, 7.2.3, asks at least. 32 to 64.
    #[must_use]
    pub fn with_session_id_bytes(self, session_id_bytes: usize) -> Self {
        Self { session_id_bytes, ..self }
    }

    /// How an ID is written. Default: base64url, 43 characters.
    #[must_use]
    pub fn with_id_format(self, id_format: IdFormat) -> Self {
        Self { id_format, ..self }
    }

    /// Whether using a session restarts its idle timeout, as writing it always does. Default: false.
    #[must_use]
    pub fn with_renew_on_access(self, renew_on_access: bool) -> Self {
        Self { renew_on_access, ..self }
    }

    /// How long after a renewal the next one is due. Default: a tenth of the session's lifetime. Not zero,
    /// and shorter than `max_age`.
    #[must_use]
    pub fn with_renew_every(self, renew_every: impl Into<Option<Duration>>) -> Self {
        Self { renew_every: renew_every.into(), ..self }
    }

    /// The cookie's name, without the prefix. Default: `session`.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// The prefix of the cookie's name. Default: the strongest that the attributes allow.
    #[must_use]
    pub fn with_prefix(self, prefix: CookiePrefix) -> Self {
        Self { prefix, ..self }
    }

    /// The idle timeout: how long a session lives after it was last renewed. Default: 14 days, as in Litestar and
    /// Django; see [`Profile`](crate::Profile) for shorter ones. (OWASP: "Idle Timeout".)
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }

    /// Whether cookies last only until the browser closes. Default: false.
    #[must_use]
    pub fn with_browser_session(self, browser_session: bool) -> Self {
        Self { browser_session, ..self }
    }

    /// How long a session lives at most, counted from its creation or the last sign-in. Default: no limit.
    #[must_use]
    pub fn with_absolute_timeout(self, absolute_timeout: impl Into<Option<Duration>>) -> Self {
        Self { absolute_timeout: absolute_timeout.into(), ..self }
    }

    /// How old a secret may become before it is replaced. Default: secrets change at sign-in alone.
    #[must_use]
    pub fn with_rotate_every(self, rotate_every: impl Into<Option<Duration>>) -> Self {
        Self { rotate_every: rotate_every.into(), ..self }
    }

    /// How long a replaced secret is still accepted, for requests that are under way. Default: 30 s. Not
    /// zero: parallel requests of one page would look like the use of a stolen cookie.
    #[must_use]
    pub fn with_rotation_grace(self, rotation_grace: Duration) -> Self {
        Self { rotation_grace, ..self }
    }

    /// The kinds of connection that have sessions. Default: both.
    #[must_use]
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self { scopes: scopes.into_iter().collect(), ..self }
    }

    /// The cookie's `Path`. Default: `/`.
    #[must_use]
    pub fn with_path(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// The cookie's `Domain`, to share it among sub-domains. Default: none, the host alone.
    #[must_use]
    pub fn with_domain(self, domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..self }
    }

    /// Whether the cookie goes over https alone. Default: true.
    #[must_use]
    pub fn with_secure(self, secure: bool) -> Self {
        Self { secure, ..self }
    }

    /// Whether scripts cannot read the cookie. Default: true.
    #[must_use]
    pub fn with_httponly(self, httponly: bool) -> Self {
        Self { httponly, ..self }
    }

    /// Whether other sites' requests carry the cookie. Default: `Lax`.
    #[must_use]
    pub fn with_samesite(self, samesite: SameSite) -> Self {
        Self { samesite, ..self }
    }

    /// Whether the cookie is kept apart for each embedding site (CHIPS). Default: false.
    #[must_use]
    pub fn with_partitioned(self, partitioned: bool) -> Self {
        Self { partitioned, ..self }
    }

    /// Paths without sessions: regular expressions that match the whole path, so that `/private` excludes
    /// neither `/private/a` nor `/public/private`. Default: none.
    #[must_use]
    pub fn with_exclude(self, exclude: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { exclude: exclude.into_iter().map(Into::into).collect(), ..self }
    }

    /// The name of the route option that Litestar excludes by. Here a route is marked with `SkipSession`; the
    /// field is kept so that a configuration can be shared.
    #[must_use]
    pub fn with_exclude_opt_key(self, exclude_opt_key: impl Into<String>) -> Self {
        Self { exclude_opt_key: exclude_opt_key.into(), ..self }
    }

    /// The store's name in a [`StoreRegistry`](crate::store::StoreRegistry). Default: `sessions`.
    #[must_use]
    pub fn with_store(self, store: impl Into<String>) -> Self {
        Self { store: store.into(), ..self }
    }

    /// How values are encoded at rest. Default: JSON.
    #[must_use]
    pub fn with_encoding(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// Bytes of all keys and values of a session. Default: 16 KiB. At most 1 MiB.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// Keys of a session. Default: 128.
    #[must_use]
    pub fn with_max_keys(self, max_keys: usize) -> Self {
        Self { max_keys, ..self }
    }

    /// Bytes of one key. Default: 128. At most 255.
    #[must_use]
    pub fn with_max_key_bytes(self, max_key_bytes: usize) -> Self {
        Self { max_key_bytes, ..self }
    }

    /// All four limits of a session at once: `max_bytes`, `max_keys`, `max_key_bytes`, `max_depth`.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        let Limits { max_bytes, max_keys, max_key_bytes, max_depth } = limits;
        Self { max_bytes, max_keys, max_key_bytes, max_depth, ..self }
    }

    /// How deep a value may be nested. Default: 32. At most 96.
    #[must_use]
    pub fn with_max_depth(self, max_depth: usize) -> Self {
        Self { max_depth, ..self }
    }

    /// How many sessions a subject may have. Default: any number.
    #[must_use]
    pub fn with_max_sessions_per_subject(
        self,
        max_sessions_per_subject: impl Into<Option<usize>>,
    ) -> Self {
        Self { max_sessions_per_subject: max_sessions_per_subject.into(), ..self }
    }

    /// What happens to the session too many. Default: the oldest ends.
    #[must_use]
    pub fn with_subject_limit_policy(self, subject_limit_policy: SubjectLimitPolicy) -> Self {
        Self { subject_limit_policy, ..self }
    }

    /// How many anonymous sessions a process may create in a second. Default: any number.
    ///
    /// Counted in each second of the clock. Beyond it a commit fails with
    /// [`TooManyCreations`](crate::ErrorKind::TooManyCreations), which is a 429; sessions that exist, and
    /// sign-ins, go on.
    #[must_use]
    pub fn with_max_creations_per_second(
        self,
        max_creations_per_second: impl Into<Option<u32>>,
    ) -> Self {
        Self { max_creations_per_second: max_creations_per_second.into(), ..self }
    }

    /// Whether a response with status 5xx stores the data. Default: false.
    #[must_use]
    pub fn with_save_on_server_error(self, save_on_server_error: bool) -> Self {
        Self { save_on_server_error, ..self }
    }

    /// How long one operation of the store may take. Default: 2 s.
    #[must_use]
    pub fn with_operation_timeout(self, operation_timeout: Duration) -> Self {
        Self { operation_timeout, ..self }
    }
}

/// The prefix of the cookie's name, by which browsers enforce its attributes (RFC 6265bis, section 4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CookiePrefix {
    /// `__Host-` if the cookie is secure, for the whole host and for that host alone; else `__Secure-` if it
    /// is secure; else none.
    #[default]
    Auto,
    /// `__Host-`: no sub-domain and no plain http can set it.
    Host,
    /// `__Secure-`: no plain http can set it.
    Secure,
    /// None.
    None,
}

/// The cookie's `SameSite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    /// No request from another site carries the cookie, not even a link.
    #[serde(alias = "Strict")]
    Strict,
    /// Links from other sites do.
    #[default]
    #[serde(alias = "Lax")]
    Lax,
    /// All do. Needs `Secure`.
    #[serde(alias = "None")]
    None,
}

impl SameSite {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// A kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Scope {
    /// An ordinary request.
    Http,
    /// A WebSocket handshake.
    Websocket,
}

/// What happens when a subject has more sessions than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubjectLimitPolicy {
    /// The oldest sign-in ends.
    #[default]
    EvictOldest,
    /// The new sign-in is refused, and the visitor keeps the session they had. One that races with another
    /// and is found to be one too many after it was stored ends.
    Refuse,
}
