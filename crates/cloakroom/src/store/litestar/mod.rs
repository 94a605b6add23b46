//! Stores that share live sessions with a Litestar application: both read and write the same ones, under the
//! same cookie, so that it can be moved to Rust one route at a time.
//!
//! Use them with the preset [`litestar`](crate::ServerSideSessionConfig::litestar). `docs/litestar.md` says what is shared, what
//! differs, and what a Litestar request that is under way can undo.

mod document;
mod file;
mod metadata;
mod redis;

pub use self::file::FileStore;
pub use self::redis::{RedisStore, RedisStoreBuilder};

pub(super) use self::file::open as open_file;
pub(super) use self::redis::open as open_redis;
