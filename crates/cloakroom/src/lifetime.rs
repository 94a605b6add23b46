//! What a record and a moment decide: whether a secret is accepted, and when a new one is due.
//!
//! Pure functions; no clock, no store.

use std::time::Duration;

use crate::id::SecretHash;
use crate::record::{PreviousSecret, Record};
use crate::time::UnixMillis;

/// What a presented secret is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    /// It is the secret of the session.
    Current,
    /// It was, until a rotation a moment ago; whoever holds it can compute its successor.
    InGrace(PreviousSecret),
    /// It was, longer ago than the grace: somebody kept a copy.
    Reused,
    /// It never was, or was replaced for good.
    Unknown,
}

/// Judges a secret. Hashes are compared in constant time.
pub(crate) fn judge(record: &Record, presented: SecretHash, now: UnixMillis) -> Verdict {
    if record.secret_hash() == presented {
        return Verdict::Current;
    }
    match record.previous_secret() {
        Some(previous) if previous.secret_hash == presented && now < previous.until => {
            Verdict::InGrace(previous)
        }
        Some(previous) if previous.secret_hash == presented => Verdict::Reused,
        _ => Verdict::Unknown,
    }
}

/// Whether a scheduled rotation is due.
pub(crate) fn rotation_due(record: &Record, every: Option<Duration>, now: UnixMillis) -> bool {
    every.is_some_and(|every| now >= record.secret_since().plus(every))
}
