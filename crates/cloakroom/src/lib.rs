//! Server-side sessions for Rust web applications: the browser holds an opaque ID, the data lives in a store.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use cloakroom::{MemoryStore, Session, SessionLayer};
//!
//! async fn visits(session: Session) -> Result<String, cloakroom::Error> {
//!     let visits = session.update("visits", |n: &mut u64| {
//!         *n += 1;
//!         *n
//!     })?;
//!     Ok(format!("visit number {visits}"))
//! }
//!
//! let layer = SessionLayer::new(MemoryStore::new())?;
//! let app: Router = Router::new().route("/", get(visits)).layer(layer);
//! # }
//! # Ok::<(), cloakroom::ConfigError>(())
//! ```
//!
//! # In reading order
//! - [`Session`]: what a handler touches.
//! - `SessionLayer`, and the axum extractors: how a handler gets it.
//! - [`ServerSideSessionConfig`]: what can be set, with secure defaults.
//! - [`ServerSideSessionBackend`] and [`Sessions`]: the rules, and operations outside a request.
//! - [`Store`]: the contract of a place that keeps sessions; [`MemoryStore`] is one.
//! - [`Record`] and [`Data`]: what a store keeps.
//! - [`Error`], [`SessionId`], [`Clock`]: the small types that everything shares.
//!
//! # Features
//! | feature | default | brings |
//! |---|---|---|
//! | `axum` | yes | extractors and error responses for axum; `tower` |
//! | `tower` | by `axum` | `SessionLayer` for any tower service |
//! | `litestar` | no | `store::litestar`: sessions that a Litestar application shares; `redis` |
//! | `msgpack` | no | MessagePack as the encoding of values |
//! | `file` | no | `store::FileStore`: one file a session; Unix only |
//! | `sqlite` | no | `store::SqliteStore`: sessions in one file |
//! | `open` | by stores | `store::open`, which picks a store by its URL |
//! | `mysql` | no | `store::MysqlStore`: sessions in MariaDB or MySQL |
//! | `postgres` | no | `store::PostgresStore`: sessions in PostgreSQL |
//! | `redis` | no | `RedisStore`: sessions in Redis or Valkey; `open` |
//! | `redis-tls` | no | `rediss:` URLs, with the crypto provider that the application installed; `redis` |
//! | `testkit` | no | conformance suites, a test clock, a store that fails on command |
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

pub use self::backend::{
    AllSessions, Cleanup, MessageHeaders, ServerSideSessionBackend, SessionInfo, Sessions,
};
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
#[cfg(feature = "redis")]
pub use self::store::{RedisStore, RedisStoreBuilder};
pub use self::time::{Clock, SystemClock, UnixMillis};
#[cfg(feature = "tower")]
pub use self::tower::{SessionLayer, SessionSlot, SkipSession};

/// The README's example is compiled, so that it cannot rot.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
