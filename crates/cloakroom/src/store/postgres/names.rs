//! Names that stand in SQL: checked, then quoted.

use crate::error::Result;
use crate::store::sql::check_identifier;

/// The schema and the table.
#[derive(Debug, Clone)]
pub(super) struct Names {
    schema: String,
    table: String,
}

impl Names {
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) for a name that is none.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_105_names_are_checked() {
        assert!(Names::new("a\"b", "sessions").is_err());
        assert!(Names::new("public", "a;--").is_err());
    }

    #[test]
    fn names_are_quoted_whole() {
        let names = Names::new("public", "user").unwrap();
        assert_eq!(names.table(), r#""public"."user""#);
        assert_eq!(names.migrations(), r#""public"."user_migrations""#);
        assert_eq!(names.index("by_subject"), r#""user_by_subject""#);
    }
}
