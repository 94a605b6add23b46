//! Names that stand in SQL: checked, then quoted.

use crate::error::{Error, ErrorKind, Result};

/// So that the names of indexes, which are longer, keep within the 63 bytes of PostgreSQL.
const MAX_IDENTIFIER: usize = 40;
const MAX_NAMESPACE: usize = 64;

/// The schema and the table.
#[derive(Debug, Clone)]
pub(super) struct Names {
    schema: String,
    table: String,
}

impl Names {
    /// # Errors
    /// [`ErrorKind::StoreUrl`] for a name that is none.
    pub(super) fn new(schema: &str, table: &str) -> Result<Self> {
        check_identifier("schema", schema)?;
        check_identifier("table", table)?;
        Ok(Self { schema: schema.to_owned(), table: table.to_owned() })
    }

    /// The schema as SQL.
    pub(super) fn schema(&self) -> String {
        quoted(&self.schema)
    }

    /// The table of sessions as SQL.
    pub(super) fn table(&self) -> String {
        format!("{}.{}", self.schema(), quoted(&self.table))
    }

    /// The table that says which migrations are done, as SQL.
    pub(super) fn migrations(&self) -> String {
        format!("{}.{}", self.schema(), quoted(&format!("{}_migrations", self.table)))
    }

    /// The name of an index, as SQL. Indexes live in the schema of their table.
    pub(super) fn index(&self, name: &str) -> String {
        quoted(&format!("{}_{name}", self.table))
    }
}

/// What the quotes are for are key words, such as a table `user`; the checks leave nothing to escape.
fn quoted(identifier: &str) -> String {
    format!("\"{identifier}\"")
}

fn check_identifier(what: &str, name: &str) -> Result<()> {
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
pub(super) fn check_namespace(name: &str) -> Result<()> {
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
            assert!(Names::new(name, "sessions").is_err(), "{name:?}");
            assert!(Names::new("public", name).is_err(), "{name:?}");
        }
        let long = "a".repeat(MAX_IDENTIFIER + 1);
        assert!(Names::new("public", &long).is_err());
        assert!(Names::new("public", "").is_err());
        for name in ["a\"b", "a;--", "a'b", "a b", "a\0b", "ä", &"a".repeat(MAX_NAMESPACE + 1)] {
            assert!(check_namespace(name).is_err(), "{name:?}");
        }
        assert!(check_namespace("").is_ok() && check_namespace("Shop-1.eu:a_b").is_ok());
    }

    #[test]
    fn names_are_quoted_whole() {
        let names = Names::new("public", "user").unwrap();
        assert_eq!(names.table(), r#""public"."user""#);
        assert_eq!(names.migrations(), r#""public"."user_migrations""#);
        assert_eq!(names.index("by_subject"), r#""user_by_subject""#);
    }
}
