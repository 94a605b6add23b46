//! cloakroom
#![cfg_attr(docsrs, feature(doc_cfg))]
mod error;
mod id;
mod record;
pub mod store;
mod time;
pub use error::*;
pub use id::*;
pub use record::{
    Data, DataBuilder, Encoding, Limits, PreviousSecret, Record, RecordParts, Revision,
};
pub use store::MemoryStore;
pub use time::*;
