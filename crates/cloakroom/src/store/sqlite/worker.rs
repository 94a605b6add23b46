//! The threads: each has a connection of its own, and opens another if that breaks.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::{Opener, patiently};
use super::database::Database;
use super::failure::Failure;
use super::queue::Queue;
use super::watch::Watchers;
use super::{reader, writer};

/// Why a thread stopped using its connection.
pub(super) enum Stop {
    /// The store was dropped.
    Closed,
    /// The connection is broken.
    Broken,
}

/// Starts the thread that writes. It tells `ready` when the database is open.
pub(super) fn start_writer(
    opener: Arc<Opener>,
    queue: Arc<Queue>,
    watchers: Arc<Watchers>,
    ready: oneshot::Sender<Result<(), Failure>>,
) -> io::Result<()> {
    spawn("cloakroom-sqlite-writer", move || {
        let opened =
            opener.prepare().and_then(|()| patiently(|| !ready.is_closed(), || opener.writer()));
        let (connection, outcome) = match opened {
            Ok(connection) => (Some(connection), Ok(())),
            Err(failure) => (None, Err(failure)),
        };
        // If nobody waits for the store any more, its queue is closed.
        let _ = ready.send(outcome);
        if connection.is_some() {
            work(
                connection,
                &queue,
                || opener.writer(),
                |database| writer::serve(database, &queue, &watchers),
            );
        }
    })
}

/// Starts a thread that reads. Its connection is opened by the first call that it serves.
pub(super) fn start_reader(opener: Arc<Opener>, queue: Arc<Queue>) -> io::Result<()> {
    spawn("cloakroom-sqlite-reader", move || {
        work(None, &queue, || opener.reader(), |database| reader::serve(database, &queue));
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// Serves the queue until it is closed, over as many connections as it takes.
fn work(
    mut connection: Option<Connection>,
    queue: &Queue,
    mut open: impl FnMut() -> Result<Connection, Failure>,
    mut serve: impl FnMut(&mut Database<'_>) -> Stop,
) {
    while queue.wait() {
        let opened = match connection.take() {
            Some(connection) => Ok(connection),
            None => patiently(|| queue.drop_abandoned(), &mut open),
        };
        match opened {
            // A panic costs the calls of one transaction their answer, not the store its thread.
            Ok(connection) => {
                let served =
                    catch_unwind(AssertUnwindSafe(|| serve(&mut Database::new(&connection))));
                if let Ok(Stop::Closed) = served {
                    return;
                }
            }
            // Given up by all who were there.
            Err(failure) if failure.is_busy() => {}
            Err(failure) => {
                for task in queue.take(usize::MAX) {
                    task.answer(Some(&failure));
                }
            }
        }
    }
}
