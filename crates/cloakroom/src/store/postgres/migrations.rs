//! The table, by numbered steps.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::names::Names;
use super::{PostgresStore, failure, named};
use crate::error::{Error, ErrorKind, Result};

/// A step that waits for another instance's, or for a table in use, is no request of a visitor.
const TIMEOUT: Duration = Duration::from_secs(60);

/// All steps; the first has the number 1. A step that was released is never changed.
const STEPS: [&str; 1] = [include_str!("migrations/0001_sessions.sql")];

impl PostgresStore {
    /// Makes the schema and the table, or brings them to this version. May be called at each start, by several
    /// instances at once: each step is done once, all in one transaction. Needs a role that may create.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it fails, or has not ended after 60 s; nothing is changed then.
    ///
    /// # Cancellation
    /// All or nothing.
    pub async fn migrate(&self) -> Result<()> {
        match timeout(TIMEOUT, self.run_migrations()).await {
            Ok(outcome) => outcome.map_err(named),
            Err(_) => Err(named(failure::no_answer("run the migrations", TIMEOUT))),
        }
    }

    /// What [`migrate`](Self::migrate) does, as SQL for someone to read, and to run on a database that has none
    /// of it.
    pub fn migrations(&self) -> String {
        let names = &self.inner.names;
        let mut out = format!("BEGIN;\n{};\n", prepare(names));
        for (number, step) in (1..).zip(STEPS) {
            let done = record(names, number);
            out.push_str(&format!("\n-- Step {number}\n{}{done};\n", rendered(step, names)));
        }
        out.push_str("\nCOMMIT;\n");
        out.push_str(&format!(
            "\n-- What the application needs at run time, for its role:\n\
             -- GRANT USAGE ON SCHEMA {} TO …;\n\
             -- GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO …;\n\
             -- GRANT SELECT ON {} TO …; -- if it calls `migrate`, to see that nothing is left to do\n",
            names.schema(),
            names.table(),
            names.migrations()
        ));
        out
    }

    async fn run_migrations(&self) -> Result<()> {
        const WHAT: &str = "run the migrations";
        let names = &self.inner.names;
        let failed = |error| failure::failed(WHAT, &error);
        let mut lease = self.inner.connections.alone().await?;
        let connection = lease.alone().expect("it was asked for");
        let transaction = connection.transaction().await.map_err(failed)?;
        // Until the end of the transaction, so that a pool between us and the server cannot leave it locked.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let table = names.table();
        transaction.query_typed(lock, &[(&table, Type::TEXT)]).await.map_err(failed)?;
        // A role that may not create a schema may still use one.
        let there = "SELECT to_regnamespace($1) IS NOT NULL AND to_regclass($2) IS NOT NULL";
        let (schema, done) = (names.schema(), names.migrations());
        let there = transaction
            .query_typed_one(there, &[(&schema, Type::TEXT), (&done, Type::TEXT)])
            .await
            .map_err(failed)?;
        if !there.get::<_, bool>(0) {
            transaction.batch_execute(&prepare(names)).await.map_err(failed)?;
        }
        let latest = format!("SELECT COALESCE(max(number), 0) FROM {done}");
        let latest = transaction.query_typed_one(&latest, &[]).await.map_err(failed)?;
        let latest: i32 = latest.get(0);
        if usize::try_from(latest).is_ok_and(|latest| latest > STEPS.len()) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the table in PostgreSQL is of a newer version; update this application",
            ));
        }
        for (number, step) in (1..).zip(STEPS).filter(|(number, _)| *number > latest) {
            let sql = format!("{}{}", rendered(step, names), record(names, number));
            transaction.batch_execute(&sql).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        lease.put_back();
        Ok(())
    }
}

/// What must be there before the first step.
fn prepare(names: &Names) -> String {
    format!(
        "CREATE SCHEMA IF NOT EXISTS {};\n\
         CREATE TABLE IF NOT EXISTS {} (number integer PRIMARY KEY)",
        names.schema(),
        names.migrations()
    )
}

fn record(names: &Names, number: i32) -> String {
    format!("INSERT INTO {} (number) VALUES ({number})", names.migrations())
}

/// A step with the names of this store.
fn rendered(step: &str, names: &Names) -> String {
    step.replace("{table}", &names.table())
        .replace("{index:by_expiry}", &names.index("by_expiry"))
        .replace("{index:by_subject}", &names.index("by_subject"))
}
