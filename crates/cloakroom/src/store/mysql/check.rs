//! Whether the table is the one that the store relies on.

use std::sync::Arc;

use mysql_async::{Row, Value};

use super::row::bytes;
use super::{MysqlStore, named};
use crate::error::{Error, ErrorKind, Result};

/// The columns on whose kind a promise rests: a key of text would be compared with a collation, a shorter or
/// another type would cut or change what is stored.
const KINDS: [(&str, &str); 8] = [
    ("namespace", "varbinary(64)"),
    ("handle", "binary(16)"),
    ("secret_hash", "binary(32)"),
    ("expires_at", "bigint"),
    ("revision", "bigint unsigned"),
    ("subject", "blob"),
    ("data", "longtext utf8mb4_bin"),
    ("data_bytes", "longblob"),
];

impl MysqlStore {
    /// Whether the server can be reached and has the table of this version.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if not; [`ErrorKind::Unsupported`] if a column has another type than the
    /// migrations gave it, or the table is not InnoDB's.
    pub async fn check(&self) -> Result<()> {
        const WHAT: &str = "read its table";
        let deadline = self.inner.connections.deadline();
        // That it can be read, and has all columns, is known from reading it.
        self.run(WHAT, &self.inner.statements.load, vec![bytes(b""), bytes(b"")], deadline).await?;
        let table = || vec![bytes(self.inner.names.plain().as_bytes())];
        let columns: Arc<str> = "SELECT CAST(column_name AS BINARY), CAST(column_type AS BINARY), \
             CAST(collation_name AS BINARY) FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = ?"
            .into();
        let found = self.run(WHAT, &columns, table(), deadline).await?.rows;
        for (name, kind) in KINDS {
            let column = found.iter().find(|row| text(row, 0).eq_ignore_ascii_case(name));
            if column.is_none_or(|row| kind_of(row) != kind) {
                return Err(named(Error::new(
                    ErrorKind::Unsupported,
                    format!("the column `{name}` is not {kind}; make the table by the migrations"),
                )));
            }
        }
        let engine: Arc<str> = "SELECT CAST(engine AS BINARY) FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = ?"
            .into();
        let found = self.run(WHAT, &engine, table(), deadline).await?.rows;
        if found.first().is_none_or(|row| text(row, 0) != "InnoDB") {
            return Err(named(Error::new(
                ErrorKind::Unsupported,
                "the table is not of the engine InnoDB, which alone keeps what it acknowledged; convert it",
            )));
        }
        Ok(())
    }
}

/// The type of a column, and its collation. MariaDB gives the width at which a number is shown, MySQL does not.
fn kind_of(row: &Row) -> String {
    let kind = text(row, 1).to_ascii_lowercase().replace("bigint(20)", "bigint");
    match text(row, 2) {
        "" => kind,
        collation => format!("{kind} {collation}"),
    }
}

fn text(row: &Row, at: usize) -> &str {
    match row.as_ref(at) {
        Some(Value::Bytes(bytes)) => std::str::from_utf8(bytes).unwrap_or(""),
        _ => "",
    }
}
