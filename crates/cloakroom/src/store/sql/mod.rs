//! What the stores in SQL servers have in common.

mod host;
mod names;
mod words;

pub(super) use self::host::is_this_machine;
pub(super) use self::names::{check_identifier, check_namespace};
pub(super) use self::words::{LIMITS, corrupt, millis, reason, reason_of};
