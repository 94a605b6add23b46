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
/// Linear in the length of the headers; allocates only for a second ID. What is found does not depend on the
/// order of the pairs, which browsers do not promise (RFC 6265bis, section 5.8.3).
pub(crate) fn candidates<'h>(
    headers: impl Iterator<Item = &'h [u8]>,
    name: &[u8],
    id_bytes: usize,
    format: IdFormat,
) -> Candidates {
    let mut values: [&[u8]; MAX_CANDIDATES] = [&[]; MAX_CANDIDATES];
    let mut different = 0;
    for header in headers {
        let mut start = 0;
        for end in memchr_iter(b';', header).chain([header.len()]) {
            let pair = trim_blanks(&header[start..end]);
            start = end + 1;
            let Some(value) = value_of(pair, name) else { continue };
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
