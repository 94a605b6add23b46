//! The one error of the library.

use std::error::Error as StdError;
use std::fmt;

/// A result with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// What went wrong, for a `match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store cannot be reached, answered too late, or lost a reply. Temporary; answer 503.
    Unavailable,
    /// The store is full of sessions it must not evict. Temporary; answer 503.
    StoreFull,
    /// Other writers kept winning for as long as a commit may take. Temporary; answer 503.
    Contended,
    /// More anonymous sessions are being created than the configuration allows. Temporary; answer 429.
    TooManyCreations,
    /// The operating system gave no random bytes. Temporary; answer 503.
    Random,
    /// Stored bytes that are no record, or a record of another format version.
    Corrupt,
    /// A value, a key, or the whole session is larger, deeper or more numerous than the limits.
    TooLarge,
    /// A key that is empty, or has control characters.
    InvalidKey,
    /// A key that begins with the prefix this library keeps for itself.
    ReservedKey,
    /// A stored value is not of the type that was asked for.
    Type,
    /// A value cannot be written in the session's encoding.
    Encode,
    /// A text that is no session handle.
    InvalidHandle,
    /// The session was changed after its response was committed; use `Session::detached` and `save`.
    Closed,
    /// A cookie would be needed, but the response head has gone.
    HeadersSent,
    /// The session has ended: destroyed, revoked, expired, or signed in by another request since.
    Gone,
    /// The subject has as many sessions as `max_sessions_per_subject` allows, and the policy is to refuse.
    SubjectLimit,
    /// The request passed no session layer.
    NoLayer,
    /// The request passed two session layers of the same key.
    LayerTwice,
    /// The route, path or scope is excluded from sessions.
    Excluded,
    /// A cookie without `Secure` on a host that is not loopback.
    InsecureHost,
    /// The store cannot do this, such as listing: it has no [`directory`](crate::Store::directory).
    Unsupported,
    /// A store's URL that cannot be read, or that names a store whose feature is off.
    StoreUrl,
    /// No store is registered under this name.
    UnknownStore,
    /// A store is registered under this name already.
    DuplicateStore,
}

impl ErrorKind {
    /// The kind in kebab-case, for an answer to a client or a label of a metric.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::StoreFull => "store-full",
            Self::Contended => "contended",
            Self::TooManyCreations => "too-many-creations",
            Self::Random => "random",
            Self::Corrupt => "corrupt",
            Self::TooLarge => "too-large",
            Self::InvalidKey => "invalid-key",
            Self::ReservedKey => "reserved-key",
            Self::Type => "type",
            Self::Encode => "encode",
            Self::InvalidHandle => "invalid-handle",
            Self::Closed => "closed",
            Self::HeadersSent => "headers-sent",
            Self::Gone => "gone",
            Self::SubjectLimit => "subject-limit",
            Self::NoLayer => "no-layer",
            Self::LayerTwice => "layer-twice",
            Self::Excluded => "excluded",
            Self::InsecureHost => "insecure-host",
            Self::Unsupported => "unsupported",
            Self::StoreUrl => "store-url",
            Self::UnknownStore => "unknown-store",
            Self::DuplicateStore => "duplicate-store",
        }
    }

    /// The HTTP status an application should answer with when it has nothing better to say.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Unavailable | Self::StoreFull | Self::Contended | Self::Random => 503,
            Self::TooManyCreations => 429,
            Self::TooLarge => 413,
            Self::InvalidKey | Self::ReservedKey | Self::InvalidHandle => 400,
            Self::Gone | Self::SubjectLimit => 409,
            _ => 500,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Anything that can go wrong with a session.
///
/// It says what was tried, on which store, and what to do; it never holds an ID, a session's data, a user's
/// key or a password. What a browser can cause is not an error: it is a request without a session.
///
/// # Examples
/// ```
/// use cloakroom::{ErrorKind, SessionHandle};
///
/// let error = "no handle".parse::<SessionHandle>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidHandle);
/// assert!(!error.is_temporary());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: std::borrow::Cow<'static, str>,
    store: Option<std::borrow::Cow<'static, str>>,
    source: Option<Source>,
}

impl Error {
    /// An error of `kind`; the message says what was tried and what to do, in lower case, without a full
    /// stop, and without any ID or data. For authors of stores and adapters.
    pub fn new(kind: ErrorKind, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), store: None, source: None }))
    }

    /// Adds the cause. It stays reachable through [`source`](StdError::source) and is not part of the
    /// message, since drivers put addresses and queries into theirs.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the name of the store, unless one is there already.
    #[must_use]
    pub fn with_store(mut self, store: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        self.0.store.get_or_insert_with(|| store.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The name of the store that was asked, if one was.
    pub fn store(&self) -> Option<&str> {
        self.0.store.as_deref()
    }

    /// Whether the same call may succeed later, unchanged.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Unavailable
                | ErrorKind::StoreFull
                | ErrorKind::Contended
                | ErrorKind::TooManyCreations
                | ErrorKind::Random
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.store {
            Some(store) => write!(f, " (store: {store})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(store) = &self.0.store {
            debug.field("store", store);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
