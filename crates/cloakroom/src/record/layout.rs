//! The bytes of a record: which field lies where.
//!
//! ```text
//! version u8 | flags u8 | revision u64 | created u48 | max_age u40 | secret hash 32
//! then, each if its flag is set, in this order:
//! absolute u48 | authenticated u48 | secret since u48 | previous: hash 32, nonce 16, until u48
//! subject: length u16, bytes | labels: length u16, (name length u8, name, value length u16, value)…
//! then the data section (see `data`), to the end
//! ```
//!
//! Little-endian. Sixteen-byte steps of the allocator decide what a million sessions cost, hence the odd widths.

use std::collections::BTreeMap;
use std::time::Duration;

use super::body::{self, Body, Out};
use crate::id::SecretHash;
use crate::record::{PreviousSecret, Revision};
use crate::time::UnixMillis;

pub(super) const VERSION: u8 = 1;

pub(super) const ABSOLUTE: u8 = 1;
const AUTHENTICATED: u8 = 1 << 1;
const SECRET_SINCE: u8 = 1 << 2;
const PREVIOUS: u8 = 1 << 3;
const SUBJECT: u8 = 1 << 4;
const LABELS: u8 = 1 << 5;
const BROWSER: u8 = 1 << 6;

#[cfg(feature = "redis")]
pub(super) const FLAGS_AT: usize = 1;
pub(super) const REVISION_AT: usize = 2;
const CREATED_AT: usize = 10;
pub(super) const MAX_AGE_AT: usize = 16;
pub(super) const SECRET_AT: usize = 21;
pub(super) const OPTIONAL_AT: usize = 53;
const PREVIOUS_LEN: usize = 32 + 16 + 6;
const MAX_AGE_MILLIS: u128 = (1 << 40) - 1;

/// All of a record but its data and its idle deadline.
pub(crate) struct Head<'p> {
    pub(crate) secret_hash: SecretHash,
    pub(crate) revision: Revision,
    pub(crate) created_at: UnixMillis,
    pub(crate) max_age: Duration,
    pub(crate) absolute_deadline: Option<UnixMillis>,
    pub(crate) authenticated_at: Option<UnixMillis>,
    pub(crate) secret_since: UnixMillis,
    pub(crate) previous_secret: Option<PreviousSecret>,
    pub(crate) subject: Option<&'p str>,
    pub(crate) labels: &'p BTreeMap<String, String>,
    pub(crate) browser_session: bool,
}

/// A record with this head, and data of `data_len` bytes that `data` writes.
pub(super) fn write(head: &Head<'_>, data_len: usize, data: impl FnOnce(&mut Out<'_>)) -> Body {
    let subject = head.subject.map(|subject| cut(subject, usize::from(u16::MAX)));
    let labels = label_block(head.labels);
    let secret_since = Some(head.secret_since).filter(|since| *since != head.created_at);
    let moments = [
        (ABSOLUTE, head.absolute_deadline),
        (AUTHENTICATED, head.authenticated_at),
        (SECRET_SINCE, secret_since),
    ];
    let mut flags = if head.browser_session { BROWSER } else { 0 };
    let mut len = OPTIONAL_AT + data_len;
    let mut optional = |flag: u8, bytes: Option<usize>| {
        if let Some(bytes) = bytes {
            flags |= flag;
            len += bytes;
        }
    };
    for (flag, moment) in moments {
        optional(flag, moment.map(|_| 6));
    }
    optional(PREVIOUS, head.previous_secret.map(|_| PREVIOUS_LEN));
    optional(SUBJECT, subject.map(|subject| 2 + subject.len()));
    optional(LABELS, (!labels.is_empty()).then(|| 2 + labels.len()));
    body::build(len, |out| {
        out.put(&[VERSION, flags]);
        out.put(&head.revision.as_u64().to_le_bytes());
        put_moment(out, head.created_at);
        let max_age = head.max_age.as_millis().min(MAX_AGE_MILLIS) as u64;
        out.put(&max_age.to_le_bytes()[..5]);
        out.put(head.secret_hash.as_bytes());
        for moment in moments.into_iter().filter_map(|(_, moment)| moment) {
            put_moment(out, moment);
        }
        if let Some(previous) = &head.previous_secret {
            out.put(previous.secret_hash.as_bytes());
            out.put(&previous.nonce);
            put_moment(out, previous.until);
        }
        if let Some(subject) = subject {
            out.put(&(subject.len() as u16).to_le_bytes());
            out.put(subject.as_bytes());
        }
        if !labels.is_empty() {
            out.put(&(labels.len() as u16).to_le_bytes());
            out.put(&labels);
        }
        data(out);
    })
}

/// The record of `bytes` with another revision and other data.
pub(super) fn write_data(
    bytes: &[u8],
    revision: Revision,
    data_len: usize,
    data: impl FnOnce(&mut Out<'_>),
) -> Body {
    let start = data_start(bytes);
    body::build(start + data_len, |out| {
        out.put(&bytes[..REVISION_AT]);
        out.put(&revision.as_u64().to_le_bytes());
        out.put(&bytes[CREATED_AT..start]);
        data(out);
    })
}

fn label_block(labels: &BTreeMap<String, String>) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in labels {
        let (name, value) = (cut(name, 255), cut(value, 4096));
        if block.len() + 3 + name.len() + value.len() > usize::from(u16::MAX) {
            break;
        }
        block.push(name.len() as u8);
        block.extend(name.as_bytes());
        block.extend((value.len() as u16).to_le_bytes());
        block.extend(value.as_bytes());
    }
    block
}

/// The longest prefix of at most `max` bytes that ends between characters.
fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn put_moment(out: &mut Out<'_>, moment: UnixMillis) {
    out.put(&moment.as_millis().to_le_bytes()[..6]);
}

fn number(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

fn moment(bytes: &[u8], at: usize) -> UnixMillis {
    UnixMillis::from_millis(number(&bytes[at..at + 6]))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

fn length(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes(array(bytes, at)))
}

fn has(bytes: &[u8], flag: u8) -> bool {
    bytes[1] & flag != 0
}

/// Where the optional field of `flag` begins: behind those of the lower flags.
fn optional_at(bytes: &[u8], flag: u8) -> usize {
    let before = bytes[1] & (flag - 1);
    let moments = (before & (ABSOLUTE | AUTHENTICATED | SECRET_SINCE)).count_ones() as usize;
    let mut at = OPTIONAL_AT + 6 * moments;
    if before & PREVIOUS != 0 {
        at += PREVIOUS_LEN;
    }
    if before & SUBJECT != 0 {
        at += 2 + length(bytes, at);
    }
    if before & LABELS != 0 {
        at += 2 + length(bytes, at);
    }
    at
}

pub(super) fn data_start(bytes: &[u8]) -> usize {
    optional_at(bytes, BROWSER)
}

pub(super) fn revision(bytes: &[u8]) -> Revision {
    Revision::from_u64(u64::from_le_bytes(array(bytes, REVISION_AT)))
}

pub(super) fn created_at(bytes: &[u8]) -> UnixMillis {
    moment(bytes, CREATED_AT)
}

pub(super) fn max_age(bytes: &[u8]) -> Duration {
    Duration::from_millis(number(&bytes[MAX_AGE_AT..SECRET_AT]))
}

pub(super) fn secret_hash(bytes: &[u8]) -> SecretHash {
    SecretHash::from_bytes(array(bytes, SECRET_AT))
}

pub(super) fn absolute_deadline(bytes: &[u8]) -> Option<UnixMillis> {
    has(bytes, ABSOLUTE).then(|| moment(bytes, OPTIONAL_AT))
}

pub(super) fn authenticated_at(bytes: &[u8]) -> Option<UnixMillis> {
    has(bytes, AUTHENTICATED).then(|| moment(bytes, optional_at(bytes, AUTHENTICATED)))
}

pub(super) fn secret_since(bytes: &[u8]) -> Option<UnixMillis> {
    has(bytes, SECRET_SINCE).then(|| moment(bytes, optional_at(bytes, SECRET_SINCE)))
}

pub(super) fn previous_secret(bytes: &[u8]) -> Option<PreviousSecret> {
    has(bytes, PREVIOUS).then(|| {
        let at = optional_at(bytes, PREVIOUS);
        PreviousSecret {
            secret_hash: SecretHash::from_bytes(array(bytes, at)),
            nonce: array(bytes, at + 32),
            until: moment(bytes, at + 48),
        }
    })
}

pub(super) fn subject(bytes: &[u8]) -> Option<&str> {
    if !has(bytes, SUBJECT) {
        return None;
    }
    let at = optional_at(bytes, SUBJECT);
    text(&bytes[at + 2..at + 2 + length(bytes, at)])
}

pub(super) fn labels(bytes: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut rest: &[u8] = if has(bytes, LABELS) {
        let at = optional_at(bytes, LABELS);
        &bytes[at + 2..at + 2 + length(bytes, at)]
    } else {
        &[]
    };
    std::iter::from_fn(move || {
        let (&name_len, tail) = rest.split_first()?;
        let (name, tail) = tail.split_at_checked(usize::from(name_len))?;
        let (value_len, tail) = tail.split_at_checked(2)?;
        let (value, tail) =
            tail.split_at_checked(usize::from(u16::from_le_bytes(array(value_len, 0))))?;
        rest = tail;
        Some((text(name)?, text(value)?))
    })
}

pub(super) fn is_browser_session(bytes: &[u8]) -> bool {
    has(bytes, BROWSER)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Whether foreign bytes are a record, so that none of the functions above can go out of bounds.
pub(super) fn is_valid(bytes: &[u8]) -> bool {
    if bytes.len() < OPTIONAL_AT
        || bytes[0] != VERSION
        || bytes[1] & !(BROWSER | (BROWSER - 1)) != 0
    {
        return false;
    }
    // Before each variable field, the fixed part up to it and its two length bytes must be there.
    for flag in [SUBJECT, LABELS] {
        if has(bytes, flag) && bytes.len() < optional_at(bytes, flag) + 2 {
            return false;
        }
        if has(bytes, flag) && bytes.len() < optional_at(bytes, flag << 1) {
            return false;
        }
    }
    let start = data_start(bytes);
    if start > bytes.len() || (has(bytes, SUBJECT) && subject(bytes).is_none()) {
        return false;
    }
    let label_bytes: usize = labels(bytes).map(|(name, value)| name.len() + value.len() + 3).sum();
    let declared = if has(bytes, LABELS) { length(bytes, optional_at(bytes, LABELS)) } else { 0 };
    label_bytes == declared
}
