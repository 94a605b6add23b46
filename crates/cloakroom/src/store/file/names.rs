//! How folders and files are called. A name comes from a handle, a hash or an escaped text, never from what a
//! visitor sent, and no two names differ in case alone.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::id::SessionHandle;

/// Folders of sessions in a namespace: two levels of sixteen.
pub(super) const LEAVES: usize = 256;

/// The folder of sessions in a namespace.
pub(super) const SESSIONS: &str = "sessions";
/// The index by subject in a namespace.
pub(super) const SUBJECTS: &str = "subjects";
/// The namespaces in a namespace.
pub(super) const NAMESPACES: &str = "namespaces";

/// What is appended to the name of a session while its file is being written.
const UNFINISHED: &str = ".new";

/// Which of the folders a session is in.
pub(super) fn leaf(key: SessionHandle) -> u8 {
    key.as_bytes()[0]
}

/// The names of a leaf's two levels.
pub(super) fn levels(leaf: u8) -> [&'static str; 2] {
    const DIGITS: &str = "0123456789abcdef";
    let digit = |n: u8| &DIGITS[usize::from(n)..=usize::from(n)];
    [digit(leaf >> 4), digit(leaf & 15)]
}

/// The name of a session's file.
pub(super) fn session(key: SessionHandle) -> String {
    key.to_string()
}

/// The name of a session's file while it is being written.
pub(super) fn unfinished(key: SessionHandle) -> String {
    format!("{key}{UNFINISHED}")
}

/// Whose file has this name, if it is exactly one that this store gives.
pub(super) fn owner(name: &str) -> Option<SessionHandle> {
    name.parse().ok()
}

/// Whose unfinished file has this name.
pub(super) fn unfinished_owner(name: &str) -> Option<SessionHandle> {
    owner(name.strip_suffix(UNFINISHED)?)
}

/// The folder of a subject's index: a hash, so that any text has a name, of the same length.
pub(super) fn subject(subject: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(subject))
}

/// The folder of a namespace.
///
/// Lower-case letters, digits, `-` and `_` stand for themselves, all else is `%` and two digits: upper case too,
/// for file systems that do not tell it apart. A name that would be too long for a file system is its hash.
pub(super) fn namespace(name: &str) -> String {
    /// Below the 255 bytes that file systems allow.
    const LONGEST: usize = 200;
    let mut escaped = String::with_capacity(name.len());
    for &byte in name.as_bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(char::from(byte)),
            _ => write!(escaped, "%{byte:02x}").expect("a string takes it"),
        }
    }
    // Neither a lone `%` nor two of them come from the above.
    if escaped.is_empty() {
        return "%".to_owned();
    }
    if escaped.len() > LONGEST {
        return format!("%%{}", HEXLOWER.encode(&Sha256::digest(name)));
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn s_095_names_stay_apart_where_case_does_not_count(
            a: [u8; 16], b: [u8; 16], c in ".{0,300}", d in ".{0,300}"
        ) {
            let [one, two] = [a, b].map(SessionHandle::from_bytes);
            prop_assert_eq!(session(one).to_uppercase() == session(two).to_uppercase(), a == b);
            prop_assert!(session(one).bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
            prop_assert_eq!(owner(&session(one)), Some(one));
            prop_assert_eq!(unfinished_owner(&unfinished(one)), Some(one));
            prop_assert_eq!(namespace(&c).to_uppercase() == namespace(&d).to_uppercase(), c == d);
            prop_assert_eq!(subject(&c) == subject(&d), c == d);
            for name in [namespace(&c), namespace(&d), subject(&c)] {
                prop_assert!(name.len() <= 255 && !name.contains(['/', '.', '\0']) && !name.is_empty());
            }
        }
    }

    #[test]
    fn s_084_hostile_namespaces_have_names_of_their_own() {
        let long = ["x".repeat(201), "x".repeat(1_000), "é".repeat(100)];
        let names =
            ["", ".", "..", "a", "A", "a/b", "a%2fb", "%", "%%", "\0", "con", "é", "e\u{301}"];
        let all: Vec<_> = names.into_iter().chain(long.iter().map(String::as_str)).collect();
        let escaped: HashSet<_> = all.iter().map(|name| namespace(name)).collect();
        assert_eq!(escaped.len(), all.len());
        assert!(escaped.iter().all(|name| !name.starts_with('.') && !name.contains('/')));
    }

    #[test]
    fn s_094_only_exact_names_are_ours() {
        let right = "00112233445566778899aabbccddeeff";
        assert!(owner(right).is_some());
        for name in [
            "",
            ".",
            "..",
            "00112233445566778899AABBCCDDEEFF",
            "00112233445566778899aabbccddeef",
            "00112233445566778899aabbccddeeff0",
            "00112233445566778899aabbccddeeff.new",
            "00112233445566778899aabbccddeeff ",
            "00112233445566778899aabbccddeefg",
            ".nfs00112233445566778899aabbccdd",
        ] {
            assert!(owner(name).is_none(), "{name}");
        }
        assert!(unfinished_owner(&format!("{right}.new.new")).is_none());
        assert!(unfinished_owner(&format!("{right}.old")).is_none());
    }
}
