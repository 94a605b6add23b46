//! The thread that writes: all calls that wait become one transaction, so that they share the wait for the disk.

use super::call::Task;
use super::connection::{patiently, pause};
use super::database::Database;
use super::failure::Failure;
use super::queue::Queue;
use super::turn::Turns;
use super::watch::Watchers;
use super::worker::Stop;

/// Calls in one transaction at most, so that it is short and others get their turn.
const MOST: usize = 256;
/// After so many transactions the lock is left alone for a moment, for programs that take no turns: a backup, a
/// person at a prompt.
const IN_A_ROW: u32 = 16;
/// How often a call that is alone tries for the lock: about a second.
const TRIES: u32 = 3_000;

static BEGIN: &str = "BEGIN IMMEDIATE";
static COMMIT: &str = "COMMIT";
static SAVEPOINT: &str = "SAVEPOINT task";
static RELEASE: &str = "RELEASE task";
static ROLL_BACK_TASK: &str = "ROLLBACK TO task";

/// Serves the queue until it is closed or the connection breaks.
pub(super) fn serve(db: &mut Database<'_>, queue: &Queue, watchers: &Watchers) -> Stop {
    let turns = Turns::beside(db.path());
    let mut in_a_row = 0;
    while queue.wait() {
        let turn = turns.wait();
        // The lock first, then the calls: whoever gives up while another process has it has done nothing, and
        // whoever comes meanwhile comes along.
        if let Err(failure) = patiently(|| queue.drop_abandoned(), || begin(db)) {
            if failure.is_busy() {
                // Given up by all who were there; whoever has come since waits in its turn.
                continue;
            }
            for task in queue.take(usize::MAX) {
                task.answer(Some(&failure));
            }
            if failure.breaks_connection() {
                return Stop::Broken;
            }
            continue;
        }
        let mut tasks = queue.take(MOST);
        tasks.retain(|task| task.claim());
        if commit(db, tasks, watchers).is_break() {
            return Stop::Broken;
        }
        drop(turn);
        in_a_row += 1;
        if in_a_row == IN_A_ROW || !turns.are_kept() {
            // Who takes no turns polls for the lock. Without a gap they would rarely find it free.
            pause();
            in_a_row = 0;
        }
    }
    Stop::Closed
}

/// Runs the tasks in the transaction that has begun, and answers them once they are on the disk.
fn commit(
    db: &mut Database<'_>,
    mut tasks: Vec<Box<dyn Task>>,
    watchers: &Watchers,
) -> std::ops::ControlFlow<()> {
    let mut broken = false;
    match attempt(db, &mut tasks) {
        Ok(failures) => {
            watchers.tell(db.ended.drain(..));
            for (task, failure) in tasks.into_iter().zip(failures) {
                broken |= failure.as_ref().is_some_and(Failure::breaks_connection);
                task.answer(failure.as_ref());
            }
        }
        Err(failure) => {
            db.roll_back();
            broken = failure.breaks_connection();
            if tasks.len() > 1 {
                // Nothing was kept and nobody was answered. Alone, only the call at fault fails.
                for task in tasks {
                    broken |= alone(db, task, watchers).is_break();
                }
            } else {
                for task in tasks {
                    task.answer(Some(&failure));
                }
            }
        }
    }
    if broken { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
}

/// Runs a task in a transaction of its own.
fn alone(
    db: &mut Database<'_>,
    task: Box<dyn Task>,
    watchers: &Watchers,
) -> std::ops::ControlFlow<()> {
    let mut tries = 0..TRIES;
    match patiently(|| tries.next().is_some(), || begin(db)) {
        Ok(()) => commit(db, vec![task], watchers),
        Err(failure) => {
            task.answer(Some(&failure));
            std::ops::ControlFlow::Continue(())
        }
    }
}

fn begin(db: &mut Database<'_>) -> Result<(), Failure> {
    Ok(db.run(BEGIN)?)
}

/// Runs the tasks and commits; what failed of each. A failure of all means that nothing was kept.
fn attempt(
    db: &mut Database<'_>,
    tasks: &mut [Box<dyn Task>],
) -> Result<Vec<Option<Failure>>, Failure> {
    let mut failures = Vec::with_capacity(tasks.len());
    for task in tasks {
        db.run(SAVEPOINT)?;
        let outcome = task.run(db);
        if let Err(failure) = &outcome {
            if !db.in_transaction() {
                // SQLite has given up the work of the others too.
                return outcome.map(|()| Vec::new());
            }
            tracing::debug!(store = super::NAME, error = %failure.to_error(), "a write failed");
            db.run(ROLL_BACK_TASK)?;
        }
        db.run(RELEASE)?;
        failures.push(outcome.err());
    }
    db.run(COMMIT)?;
    Ok(failures)
}
