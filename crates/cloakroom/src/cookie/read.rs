//! Finding our cookie among all others.
//!
//! The header is bytes: pairs between `;`, blanks and tabs around a pair trimmed, the name up to the first
//! `=`, both compared byte for byte (RFC 6265bis, section 5.5). Nothing is percent-decoded, quotes are plain
//! bytes, and a foreign cookie with strange bytes is simply another name.

use memchr::memchr;
use memchr::memmem::Finder;

use crate::id::{IdFormat, SessionId};

/// How many different cookies of our name are tried; more are an attack or a broken client.
const MAX_CANDIDATES: usize = 4;

/// What the `Cookie` headers hold under our name.
#[derive(Debug)]
pub(crate) enum Candidates {
    /// No cookie of our name.
    None,
    /// Cookies of our name, none of which could be an ID.
    Malformed,
    /// More than four different ones, well-formed or not. None of them is tried.
    TooMany,
    /// One well-formed ID.
    One(SessionId),
    /// Two to four different well-formed IDs, in the order of the header.
    Several(Vec<SessionId>),
}

/// Reads all `Cookie` headers, several lines being as one.
///
/// Linear in the length of the headers; allocates for IDs alone. What is found does not depend on the
/// order of the pairs, which browsers do not promise (RFC 6265bis, section 5.8.3).
pub(crate) fn candidates<'h>(
    headers: impl Iterator<Item = &'h [u8]>,
    name: &Finder<'_>,
    id_bytes: usize,
    format: IdFormat,
) -> Candidates {
    let mut values: [&[u8]; MAX_CANDIDATES] = [&[]; MAX_CANDIDATES];
    let mut different = 0;
    for header in headers {
        // The name is searched for and not the pairs: most cookies are not ours. A name holds no `;` and no
        // blank, so that no other find can reach into a pair of ours.
        for at in name.find_iter(header) {
            let Some(value) = value_at(header, at, name.needle().len()) else { continue };
            // An ID has one spelling, so different values are different IDs. Both sides of this comparison
            // come from the client: its duration tells nothing the client does not know.
            if values[..different].contains(&value) {
                continue;
            }
            if different == MAX_CANDIDATES {
                return Candidates::TooMany;
            }
            values[different] = value;
            different += 1;
        }
    }
    if different == 0 {
        return Candidates::None;
    }
    let mut ids =
        values[..different].iter().filter_map(|value| SessionId::parse(value, id_bytes, format));
    let Some(first) = ids.next() else { return Candidates::Malformed };
    match ids.next() {
        None => Candidates::One(first),
        Some(second) => Candidates::Several([first, second].into_iter().chain(ids).collect()),
    }
}

/// The value of the pair whose name is found here, if that is the whole name of a pair.
fn value_at(header: &[u8], at: usize, name_len: usize) -> Option<&[u8]> {
    let before = header[..at].iter().rev().find(|byte| !is_blank(**byte));
    if before.is_some_and(|byte| *byte != b';') {
        return None;
    }
    let rest = header[at + name_len..].strip_prefix(b"=")?;
    let mut value = &rest[..memchr(b';', rest).unwrap_or(rest.len())];
    while let [head @ .., last] = value
        && is_blank(*last)
    {
        value = head;
    }
    Some(value)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
