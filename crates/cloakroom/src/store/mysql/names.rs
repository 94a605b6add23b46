//! The tables' names in SQL: checked, then quoted.

use crate::error::Result;
use crate::store::sql::check_identifier;

/// The table, in the database of the connection.
#[derive(Debug, Clone)]
pub(super) struct Names {
    table: String,
}

impl Names {
    /// # Errors
    /// [`ErrorKind::StoreUrl`](crate::ErrorKind::StoreUrl) for a name that is none.
    pub(super) fn new(table: &str) -> Result<Self> {
        check_identifier("table", table)?;
        Ok(Self { table: table.to_owned() })
    }

    /// The table of sessions as SQL.
    pub(super) fn table(&self) -> String {
        quoted(&self.table)
    }

    /// The table of sessions as a value.
    pub(super) fn plain(&self) -> &str {
        &self.table
    }

    /// The table that says which migrations are done, as SQL.
    pub(super) fn migrations(&self) -> String {
        quoted(&self.plain_migrations())
    }

    /// The same as a value.
    pub(super) fn plain_migrations(&self) -> String {
        format!("{}_migrations", self.table)
    }
}

/// What the quotes are for are key words, such as a table `user`; the check leaves nothing to escape.
fn quoted(identifier: &str) -> String {
    format!("`{identifier}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_105_names_are_checked_and_quoted_whole() {
        assert!(Names::new("a`b").is_err() && Names::new("a;--").is_err());
        let names = Names::new("user").unwrap();
        assert_eq!(names.table(), "`user`");
        assert_eq!(names.migrations(), "`user_migrations`");
    }
}
