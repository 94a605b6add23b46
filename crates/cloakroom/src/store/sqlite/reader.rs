//! A thread that reads, beside the one that writes.

use super::call::Task;
use super::connection::pause;
use super::database::Database;
use super::failure::Failure;
use super::queue::Queue;
use super::worker::Stop;

/// Calls that share a snapshot, and with it the locks and system calls that one takes. Few, so that the other
/// threads have something to do.
const MOST: usize = 16;

static BEGIN: &str = "BEGIN";
static COMMIT: &str = "COMMIT";

/// Serves the queue until it is closed or the connection breaks.
pub(super) fn serve(db: &mut Database<'_>, queue: &Queue) -> Stop {
    while queue.wait() {
        // All calls have come before the snapshot is taken, so each sees what was acknowledged before it came.
        let mut tasks = queue.take(MOST);
        let read = loop {
            tasks.retain(|task| !task.is_abandoned());
            match read(db, &mut tasks) {
                // Another process makes the log's index anew after a crash, or removes the log as it ends.
                Err(failure) if failure.is_busy() => pause(),
                read => break read,
            }
        };
        let mut broken = false;
        match read {
            Ok(failures) => {
                for (task, failure) in tasks.into_iter().zip(failures) {
                    broken |= failure.as_ref().is_some_and(Failure::breaks_connection);
                    task.answer(failure.as_ref());
                }
            }
            Err(failure) => {
                broken = failure.breaks_connection();
                for task in tasks {
                    task.answer(Some(&failure));
                }
            }
        }
        if broken {
            return Stop::Broken;
        }
    }
    Stop::Closed
}

/// Runs the tasks on one snapshot; what failed of each.
fn read(
    db: &mut Database<'_>,
    tasks: &mut [Box<dyn Task>],
) -> Result<Vec<Option<Failure>>, Failure> {
    let outcome = read_snapshot(db, tasks);
    db.roll_back();
    outcome
}

fn read_snapshot(
    db: &mut Database<'_>,
    tasks: &mut [Box<dyn Task>],
) -> Result<Vec<Option<Failure>>, Failure> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    db.run(BEGIN)?;
    let mut failures = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.run(db) {
            Err(failure) if failure.is_busy() => return Err(failure),
            outcome => failures.push(outcome.err()),
        }
    }
    db.run(COMMIT)?;
    Ok(failures)
}
