//! Finding our cookie among all others.
//!
//! The header is bytes: pairs between `;`, blanks and tabs around a pair trimmed, the name up to the first
//! `=`, both compared byte for byte (RFC 6265bis, section 5.5). Nothing is percent-decoded, quotes are plain
//! bytes, and a foreign cookie with strange bytes is simply another name.

use memchr::{memchr, memchr_iter};

use crate::id::{IdFormat, SessionId};

/// How many different cookies of our name are tried; more are an attack or a broken client.
const MAX_CANDIDATES: usize = 4;

/// What the `Cookie` headers hold under our name.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "lives on the stack of one load; a box would be an allocation a request"
)]
pub(crate) enum Candidates {
    /// No cookie of our name.
    None,
    /// Cookies of our name, none of which could be an ID.
    Malformed,
    /// More than four different ones.
    TooMany,
    /// Different well-formed IDs.
    Ids(Ids),
}

/// One to four different IDs, in the order of the header.
#[derive(Debug, Default)]
pub(crate) struct Ids([Option<SessionId>; MAX_CANDIDATES]);

impl Ids {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SessionId> {
        self.0.iter().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there was room, or it was there already.
    fn add(&mut self, id: SessionId) -> bool {
        for slot in &mut self.0 {
            match slot {
                Some(have) if have.is(&id) => return true,
                Some(_) => {}
                None => {
                    *slot = Some(id);
                    return true;
                }
            }
        }
        false
    }
}

/// Reads all `Cookie` headers, several lines being as one.
pub(crate) fn candidates<'h>(
    headers: impl Iterator<Item = &'h [u8]>,
    name: &[u8],
    id_bytes: usize,
    format: IdFormat,
) -> Candidates {
    let mut ids = Ids::default();
    let mut malformed = false;
    for header in headers {
        let mut start = 0;
        for end in memchr_iter(b';', header).chain([header.len()]) {
            let pair = trim_blanks(&header[start..end]);
            start = end + 1;
            let Some(value) = value_of(pair, name) else { continue };
            match SessionId::parse(value, id_bytes, format) {
                None => malformed = true,
                Some(id) => {
                    if !ids.add(id) {
                        return Candidates::TooMany;
                    }
                }
            }
        }
    }
    match (ids.len(), malformed) {
        (0, false) => Candidates::None,
        (0, true) => Candidates::Malformed,
        _ => Candidates::Ids(ids),
    }
}

fn value_of<'h>(pair: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    // Most pairs differ from ours in the first bytes, so the name is compared before any `=` is looked for.
    let rest = pair.strip_prefix(name)?;
    match memchr(b'=', rest) {
        Some(0) => Some(&rest[1..]),
        _ => None,
    }
}

fn trim_blanks(mut pair: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = pair {
        pair = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair
}
