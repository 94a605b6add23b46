//! The bytes under the key of a session.
//!
//! ```text
//! anonymous  'a' | idle deadline 6 | record
//! signed in  's' | idle deadline 6 | indexed until 6 | subject tag 16 | record
//! ended      't' | why 1 | forget at 6
//! ```
//!
//! Moments are milliseconds, big-endian. The record is as [`Record::to_bytes`] writes it. A renewal writes the
//! idle deadline in front and leaves the record alone; the one in front counts.

use super::keys::SubjectTag;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Limits, MAX_BYTES_CEILING, Record, at};
use crate::store::{Ended, Lookup};
use crate::time::UnixMillis;

pub(super) const ANONYMOUS: u8 = b'a';
pub(super) const SIGNED_IN: u8 = b's';
pub(super) const ENDED: u8 = b't';
pub(super) const ANONYMOUS_HEAD: usize = 1 + 6;
pub(super) const SIGNED_IN_HEAD: usize = ANONYMOUS_HEAD + 6 + 16;

/// As much as any configuration allows: what a session may hold was checked when it was written.
const LIMITS: Limits =
    Limits { max_bytes: MAX_BYTES_CEILING, max_keys: 65_535, max_key_bytes: 255, max_depth: 96 };

/// A live session as its value; `indexed_until` counts for one that is signed in.
pub(super) fn session(record: &Record, indexed_until: UnixMillis) -> Vec<u8> {
    let bytes = record.to_bytes();
    let mut value = Vec::with_capacity(SIGNED_IN_HEAD + bytes.len());
    match record.subject() {
        None => {
            value.push(ANONYMOUS);
            put(&mut value, record.idle_deadline());
        }
        Some(subject) => {
            value.push(SIGNED_IN);
            put(&mut value, record.idle_deadline());
            put(&mut value, indexed_until);
            value.extend(SubjectTag::of(subject).0);
        }
    }
    value.extend(bytes);
    value
}

/// Why a session ended, as its value.
pub(super) fn stone(why: Ended, forget_at: UnixMillis) -> Vec<u8> {
    let why = match why {
        Ended::Expired => b'e',
        Ended::Destroyed => b'd',
        Ended::Revoked => b'r',
        Ended::Reused => b'u',
    };
    let mut value = vec![ENDED, why];
    put(&mut value, forget_at);
    value
}

/// Reads a value. It is not trusted.
///
/// # Errors
/// [`ErrorKind::Corrupt`].
pub(super) fn lookup(value: &[u8], now: UnixMillis) -> Result<Lookup> {
    if value.first() == Some(&ENDED) {
        return ended(value, now).map(Lookup::Absent);
    }
    let (idle, _) = head(value).ok_or_else(corrupt)?;
    let record = Record::from_bytes(&value[record_at(value[0])..], &LIMITS)?;
    let record = record.with_idle_deadline(idle);
    Ok(if record.is_expired(now) {
        Lookup::Absent(Some(Ended::Expired))
    } else {
        Lookup::Live(record)
    })
}

/// The bytes that [`is_live`] needs.
pub(super) const HEAD: usize = SIGNED_IN_HEAD + at::ABSOLUTE + 6;

/// Whether a value that begins so is a live session, as far as its head tells.
pub(super) fn is_live(value: &[u8], now: UnixMillis) -> bool {
    head(value).is_some_and(|(idle, absolute)| absolute.map_or(idle, |it| it.min(idle)) > now)
}

/// The idle and the absolute deadline.
fn head(value: &[u8]) -> Option<(UnixMillis, Option<UnixMillis>)> {
    let record = match value.first()? {
        &kind @ (ANONYMOUS | SIGNED_IN) => value.get(record_at(kind)..)?,
        _ => return None,
    };
    let flags = *record.get(..at::ABSOLUTE)?.get(at::FLAGS)?;
    let absolute = if flags & at::HAS_ABSOLUTE == 0 {
        None
    } else {
        let mut wide = [0; 8];
        wide[..6].copy_from_slice(record.get(at::ABSOLUTE..at::ABSOLUTE + 6)?);
        Some(UnixMillis::from_millis(u64::from_le_bytes(wide)))
    };
    Some((moment(&value[1..7]), absolute))
}

fn record_at(kind: u8) -> usize {
    if kind == SIGNED_IN { SIGNED_IN_HEAD } else { ANONYMOUS_HEAD }
}

fn ended(value: &[u8], now: UnixMillis) -> Result<Option<Ended>> {
    let &[ENDED, why, ref forget_at @ ..] = value else { return Err(corrupt()) };
    if forget_at.len() != 6 {
        return Err(corrupt());
    }
    let why = match why {
        b'e' => Ended::Expired,
        b'd' => Ended::Destroyed,
        b'r' => Ended::Revoked,
        b'u' => Ended::Reused,
        _ => return Err(corrupt()),
    };
    Ok((moment(forget_at) > now).then_some(why))
}

fn put(out: &mut Vec<u8>, moment: UnixMillis) {
    out.extend(&moment.as_millis().to_be_bytes()[2..]);
}

fn moment(bytes: &[u8]) -> UnixMillis {
    let mut wide = [0; 8];
    wide[2..].copy_from_slice(bytes);
    UnixMillis::from_millis(u64::from_be_bytes(wide))
}

pub(super) fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "what Redis holds under the key of a session is no session")
}
