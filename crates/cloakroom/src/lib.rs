//! Server-side sessions for Rust web applications.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod backend;
mod config;
mod cookie;
mod error;
mod id;
mod lifetime;
mod record;
mod session;
pub mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
mod time;
#[cfg(feature = "tower")]
pub mod tower;

pub use self::backend::{MessageHeaders, ServerSideSessionBackend, SessionInfo, Sessions};
pub use self::config::{
    ConfigError, CookiePrefix, Profile, SameSite, Scope, ServerSideSessionConfig,
    SubjectLimitPolicy,
};
pub use self::error::{Error, ErrorKind, Result};
pub use self::id::{IdFormat, MAX_ID_BYTES, MIN_ID_BYTES, SecretHash, SessionHandle, SessionId};
pub use self::record::{
    Data, DataBuilder, Encoding, Limits, PreviousSecret, Record, RecordParts, Revision,
};
pub use self::session::{Absence, Key, KeyOf, MaxAge, Session};
pub use self::store::{MemoryStore, Store};
pub use self::time::{Clock, SystemClock, UnixMillis};
#[cfg(feature = "tower")]
pub use self::tower::{SessionLayer, SessionSlot, SkipSession};
