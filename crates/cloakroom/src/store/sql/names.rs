//! Names that stand in SQL, and namespaces.

use crate::error::{Error, ErrorKind, Result};

/// So that the names of indexes, which are longer, keep within the 63 bytes of PostgreSQL and the 64 of MySQL.
const MAX_IDENTIFIER: usize = 40;
const MAX_NAMESPACE: usize = 64;

/// Checks the name of a table or a schema, so that nothing in it has to be escaped.
///
/// # Errors
/// [`ErrorKind::StoreUrl`] for a name that is none.
pub(in crate::store) fn check_identifier(what: &str, name: &str) -> Result<()> {
    let starts = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let goes_on = |byte: u8| starts(byte) || byte.is_ascii_digit();
    let ok = name.bytes().next().is_some_and(starts)
        && name.bytes().all(goes_on)
        && name.len() <= MAX_IDENTIFIER;
    if ok {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::StoreUrl,
        format!(
            "the name of a {what} is 1 to {MAX_IDENTIFIER} lower-case letters, digits and `_`, and does not \
             begin with a digit"
        ),
    ))
}

/// A namespace is a value, not a name, in SQL; it is checked so that it can be read and typed.
pub(in crate::store) fn check_namespace(name: &str) -> Result<()> {
    let ok = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if name.bytes().all(ok) && name.len() <= MAX_NAMESPACE {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::StoreUrl,
        format!("a namespace is up to {MAX_NAMESPACE} letters, digits and `_.:-`, all of ASCII"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 12] =
        ["a\"b", "a;--", "a'b", "a`b", "a\0b", "a b", "A", "ä", "1a", "a.b", "a$b", "a/*"];

    #[test]
    fn s_105_hostile_names_are_refused() {
        for name in HOSTILE {
            assert!(check_identifier("table", name).is_err(), "{name:?}");
        }
        assert!(check_identifier("table", &"a".repeat(MAX_IDENTIFIER + 1)).is_err());
        assert!(check_identifier("table", "").is_err());
        for name in ["a\"b", "a;--", "a'b", "a b", "a\0b", "ä", &"a".repeat(MAX_NAMESPACE + 1)] {
            assert!(check_namespace(name).is_err(), "{name:?}");
        }
        assert!(check_namespace("").is_ok() && check_namespace("Shop-1.eu:a_b").is_ok());
    }
}
