//! A connection with its prepared statements.

use rusqlite::{Connection, Statement};

use crate::id::SessionHandle;

/// A connection, and each statement that it has prepared so far.
pub(super) struct Database<'c> {
    connection: &'c Connection,
    /// Few enough for a search from the front. Found by address: all texts are statics.
    statements: Vec<(&'static str, Statement<'c>)>,
    /// Sessions that the transaction under way ends: namespace and handle.
    pub(super) ended: Vec<(std::sync::Arc<str>, SessionHandle)>,
}

impl<'c> Database<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, statements: Vec::new(), ended: Vec::new() }
    }

    /// The path of the file.
    pub(super) fn path(&self) -> Option<&'c str> {
        self.connection.path()
    }

    /// The statement of a text, prepared at its first use.
    pub(super) fn statement(&mut self, sql: &'static str) -> rusqlite::Result<&mut Statement<'c>> {
        let known = self.statements.iter().position(|(text, _)| std::ptr::eq(*text, sql));
        let at = match known {
            Some(at) => at,
            None => {
                self.statements.push((sql, self.connection.prepare(sql)?));
                self.statements.len() - 1
            }
        };
        Ok(&mut self.statements[at].1)
    }

    /// Runs a statement that has no parameters and no result.
    pub(super) fn run(&mut self, sql: &'static str) -> rusqlite::Result<()> {
        self.statement(sql)?.execute([]).map(drop)
    }

    /// Whether a transaction is open. SQLite ends one by itself after some errors.
    pub(super) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Ends a transaction without keeping it, if there still is one.
    pub(super) fn roll_back(&mut self) {
        self.ended.clear();
        if self.in_transaction() {
            // If even this fails, the next BEGIN does too, and that is reported.
            let _ = self.run("ROLLBACK");
        }
    }
}
