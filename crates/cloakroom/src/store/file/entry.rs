//! What is in the file of a session: a record, or why there is none any more.
//!
//! ```text
//! record:     the bytes of `Record::to_bytes`
//! tombstone:  "ended destroyed 1790000000000\n": the reason, and when it may be forgotten
//! ```
//! A record is longer than any tombstone.

use crate::record::{Limits, MAX_BYTES_CEILING, Record};
use crate::store::Ended;
use crate::time::UnixMillis;

use super::failure::Failure;

/// The widest that any configuration has: what was stored under it must be read under another.
const LIMITS: Limits =
    Limits { max_bytes: MAX_BYTES_CEILING, max_keys: 65_535, max_key_bytes: 255, max_depth: 96 };

/// Shorter than any record, whose hash alone is as long.
const LONGEST_TOMBSTONE: usize = 40;

const REASONS: [(Ended, &str); 4] = [
    (Ended::Expired, "expired"),
    (Ended::Destroyed, "destroyed"),
    (Ended::Revoked, "revoked"),
    (Ended::Reused, "reused"),
];

/// What was found in a file.
#[derive(Debug)]
pub(super) enum Entry {
    Record(Record),
    Tombstone { why: Ended, forget_at: UnixMillis },
}

impl Entry {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        if let Some(tombstone) = parse_tombstone(bytes) {
            return Ok(tombstone);
        }
        match Record::from_bytes(bytes, &LIMITS) {
            Ok(record) => Ok(Self::Record(record)),
            Err(_) => Err(Failure::not_a_record()),
        }
    }
}

/// The bytes of a tombstone.
pub(super) fn tombstone(why: Ended, forget_at: UnixMillis) -> Vec<u8> {
    let reason =
        REASONS.iter().find(|(known, _)| *known == why).map_or("destroyed", |found| found.1);
    format!("ended {reason} {}\n", forget_at.as_millis()).into_bytes()
}

fn parse_tombstone(bytes: &[u8]) -> Option<Entry> {
    if bytes.len() > LONGEST_TOMBSTONE {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?.strip_prefix("ended ")?.strip_suffix('\n')?;
    let (reason, forget_at) = text.split_once(' ')?;
    let why = REASONS.iter().find(|(_, known)| *known == reason)?.0;
    if !forget_at.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Entry::Tombstone { why, forget_at: UnixMillis::from_millis(forget_at.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_is_read_as_it_was_written_and_nothing_else_is_one() {
        for (why, _) in REASONS {
            let bytes = tombstone(why, UnixMillis::MAX);
            assert!(bytes.len() <= LONGEST_TOMBSTONE);
            let Entry::Tombstone { why: found, forget_at } = Entry::parse(&bytes).unwrap() else {
                panic!("a tombstone");
            };
            assert_eq!((found, forget_at), (why, UnixMillis::MAX));
            for len in 0..bytes.len() {
                assert!(Entry::parse(&bytes[..len]).unwrap_err().is_corrupt(), "{len}");
            }
        }
        for text in
            ["ended destroyed -1\n", "ended  1\n", "ended lost 1\n", "ended revoked 1", "ended\n"]
        {
            assert!(Entry::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
