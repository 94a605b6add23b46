//! The tables, and how a file comes to have them.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::Failure;
use crate::error::ErrorKind;

/// Step n brings a file from version n to n + 1. A step that was released is never changed.
const STEPS: [&str; 1] = [include_str!("schema/1.sql")];
/// Marks a file as ours: `clkr` in ASCII.
const APPLICATION_ID: i64 = 0x636c_6b72;

/// Whether a file lacks steps, and may be given them.
///
/// It is looked at before anything is changed: a path that was mistyped must not alter the database of
/// another program.
pub(super) fn is_outdated(connection: &mut Connection) -> Result<bool, Failure> {
    // One transaction, so that another process does not create the tables between two looks.
    let transaction = connection.transaction()?;
    let application = pragma(&transaction, "application_id")?;
    let version = pragma(&transaction, "user_version")?;
    let objects: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    transaction.finish()?;
    let empty = application == 0 && version == 0 && objects == 0;
    if !empty && application != APPLICATION_ID {
        return Err(Failure::Other(
            ErrorKind::Unsupported,
            "the database belongs to another program; give sessions a file of their own",
        ));
    }
    steps_from(version).map(|steps| !steps.is_empty())
}

/// Brings a file to the present version. Of several processes that try at once, one does it.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps_from(pragma(&transaction, "user_version")?)? {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", STEPS.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

fn steps_from(version: i64) -> Result<&'static [&'static str], Failure> {
    let left = usize::try_from(version).ok().and_then(|version| STEPS.get(version..));
    left.ok_or(Failure::Other(
        ErrorKind::Corrupt,
        "the tables of the database are of a later version of this library; update the program",
    ))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
