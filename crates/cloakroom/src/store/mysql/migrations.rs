//! The table, by numbered steps.

use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use tokio::time::timeout;

use super::names::Names;
use super::{MysqlStore, failure, named};
use crate::error::{Error, ErrorKind, Result};

/// A step that waits for another instance's, or for a table in use, is no request of a visitor.
const TIMEOUT: Duration = Duration::from_secs(60);

/// All steps; the first has the number 1. A step that was released is never changed.
///
/// The server ends a transaction at each change of a table, so a step is one statement, which can be run again:
/// one that was done, but not recorded, is.
const STEPS: [&str; 1] = [include_str!("migrations/0001_sessions.sql")];

impl MysqlStore {
    /// Makes the table, or brings it to this version. May be called at each start, by several instances at once:
    /// each step is done once, under a named lock of the server. Needs a user who may create tables, unless
    /// nothing is left to do.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it fails, or has not ended after 60 s. Call it again: it goes on where it
    /// was.
    ///
    /// # Cancellation
    /// Each step is done or not; the rest is left to the next call.
    pub async fn migrate(&self) -> Result<()> {
        match timeout(TIMEOUT, self.run_migrations()).await {
            Ok(outcome) => outcome.map_err(named),
            Err(_) => Err(named(failure::no_answer(WHAT, TIMEOUT))),
        }
    }

    /// What [`migrate`](Self::migrate) does, as SQL for someone to read, and to run in the database.
    pub fn migrations(&self) -> String {
        let names = &self.inner.names;
        let mut out = format!("{};\n", prepare(names));
        for (number, step) in (1..).zip(STEPS) {
            let done = record(names, number);
            out.push_str(&format!("\n-- Step {number}\n{}{done};\n", rendered(step, names)));
        }
        out.push_str(&format!(
            "\n-- What the application needs at run time, for its user:\n\
             -- GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO …;\n\
             -- GRANT SELECT ON {} TO …; -- if it calls `migrate`, to see that nothing is left to do\n",
            names.table(),
            names.migrations()
        ));
        out
    }

    async fn run_migrations(&self) -> Result<()> {
        let names = &self.inner.names;
        let mut lease = self.inner.connections.lease(self.inner.connections.deadline()).await?;
        let conn = lease.conn();
        // Until the connection ends, should this be given up.
        let lock = format!("SELECT GET_LOCK({LOCK}, ?)");
        let values = (names.plain(), TIMEOUT.as_secs());
        let locked: Option<Option<i64>> = conn.exec_first(lock, values).await.map_err(failed)?;
        if locked != Some(Some(1)) {
            return Err(failure::no_answer(WHAT, TIMEOUT));
        }
        steps(conn, names).await?;
        let unlock = format!("SELECT RELEASE_LOCK({LOCK})");
        conn.exec_drop(unlock, (names.plain(),)).await.map_err(failed)?;
        lease.put_back();
        Ok(())
    }
}

const WHAT: &str = "run the migrations";

/// The lock's name, of the table's. Such names are known to the whole server, and no longer than 64 characters.
/// The hash is one that every server has: MySQL 9 has lost `SHA1`.
const LOCK: &str = "CONCAT('cloakroom/', LEFT(SHA2(CONCAT(DATABASE(), '/', ?), 256), 40))";

fn failed(error: mysql_async::Error) -> Error {
    failure::failed(WHAT, &error)
}

/// Does the steps that are left, while nobody else does.
async fn steps(conn: &mut Conn, names: &Names) -> Result<()> {
    // A user who may not create a table may still read one.
    let there = "SELECT COUNT(*) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name = ?";
    let there: Option<u64> =
        conn.exec_first(there, (names.plain_migrations(),)).await.map_err(failed)?;
    if there != Some(1) {
        conn.query_drop(prepare(names)).await.map_err(failed)?;
    }
    let latest = format!("SELECT COALESCE(MAX(number), 0) FROM {}", names.migrations());
    let latest: Option<u64> = conn.query_first(latest).await.map_err(failed)?;
    let latest = latest.unwrap_or(0);
    if usize::try_from(latest).is_ok_and(|latest| latest > STEPS.len()) {
        return Err(Error::new(
            ErrorKind::Unavailable,
            "the table in MariaDB or MySQL is of a newer version; update this application",
        ));
    }
    for (number, step) in (1..).zip(STEPS).filter(|(number, _)| *number > latest) {
        conn.query_drop(rendered(step, names)).await.map_err(failed)?;
        conn.query_drop(record(names, number)).await.map_err(failed)?;
    }
    Ok(())
}

/// What must be there before the first step.
fn prepare(names: &Names) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (number BIGINT UNSIGNED PRIMARY KEY) ENGINE = InnoDB",
        names.migrations()
    )
}

fn record(names: &Names, number: u64) -> String {
    format!("INSERT INTO {} (number) VALUES ({number})", names.migrations())
}

/// A step with the names of this store.
fn rendered(step: &str, names: &Names) -> String {
    step.replace("{table}", &names.table())
}
