//! How a record's values are written in columns, and what a column may hold.

use crate::error::{Error, ErrorKind};
use crate::record::{Limits, MAX_BYTES_CEILING};
use crate::store::Ended;
use crate::time::UnixMillis;

/// What any configuration may allow: a store does not know that of its sessions.
pub(in crate::store) const LIMITS: Limits =
    Limits { max_bytes: MAX_BYTES_CEILING, max_keys: 65_535, max_key_bytes: 255, max_depth: 96 };

/// A moment as a column holds it.
pub(in crate::store) fn millis(moment: UnixMillis) -> i64 {
    // Below 2^48, always.
    moment.as_millis() as i64
}

/// The word for a reason in the column `ended`.
pub(in crate::store) fn reason(why: Ended) -> &'static str {
    match why {
        Ended::Expired => "expired",
        Ended::Destroyed => "destroyed",
        Ended::Revoked => "revoked",
        Ended::Reused => "reused",
    }
}

/// The reason of a word, which a later version may have written.
pub(in crate::store) fn reason_of(word: &str) -> Option<Ended> {
    match word {
        "expired" => Some(Ended::Expired),
        "destroyed" => Some(Ended::Destroyed),
        "revoked" => Some(Ended::Revoked),
        "reused" => Some(Ended::Reused),
        _ => None,
    }
}

/// What to answer for a row that is none of ours.
pub(in crate::store) fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "a stored row is no session record")
}
