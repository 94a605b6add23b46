//! Sessions for any [tower](tower_service) service over `http` types.
//!
//! Thin glue: it puts a [`SessionSlot`] into the request, and the session's headers into the response. Every
//! rule about sessions is in the [backend](crate::ServerSideSessionBackend).

mod future;
mod headers;
mod layer;
mod service;
mod slot;

pub use self::future::ResponseFuture;
pub use self::layer::SessionLayer;
pub use self::service::SessionService;
pub use self::slot::{SessionSlot, SkipSession};
