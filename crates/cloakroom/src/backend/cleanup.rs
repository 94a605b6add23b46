//! Freeing expired sessions at intervals.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{ServerSideSessionBackend, Sessions};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::record::{Data, Record, RecordParts};
use crate::store::{Created, Store};

/// The handle of the lease: sixteen bytes of text. No ID has it but by an accident of 2^-128, and an ID that had it
/// would lack the secret.
const LEASE: SessionHandle = SessionHandle::from_bytes(*b"cloakroom lease1");

/// A task that frees what has expired; made by [`Sessions::clean_up_every`].
///
/// Dropping it stops the task where it is, which a store survives like any other call that is given up.
#[must_use = "dropping it stops the task"]
pub struct Cleanup {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Cleanup {
    /// Stops after the round that is under way, if one is.
    ///
    /// # Cancellation
    /// A `stop` that is dropped stops the task at once.
    pub async fn stop(mut self) {
        self.stop.notify_one();
        // It ends by itself; that it may have panicked is in the log of the runtime already.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Starts a task that frees expired sessions about once in `interval`, of all instances on the store together.
    ///
    /// Start it on every instance: whoever comes first takes a lease, a record that lasts nine tenths of the
    /// interval, and the others leave it to them. Where none can be had (the store is full, or shared with Litestar) each
    /// instance cleans up. If an instance goes away, the next interval is another's. The
    /// first round is at a random moment of the first interval, so that instances that start together do not work
    /// together.
    ///
    /// A minute suits most stores, and a second is the least that is taken; Redis frees by itself and [`MemoryStore`](crate::MemoryStore) by its calls, so
    /// that there it changes little. No deadline depends on it: an expired session is no session. A failure is an
    /// event, and the next round tries again.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use cloakroom::{MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig};
    /// # let backend = ServerSideSessionBackend::new(MemoryStore::new(), ServerSideSessionConfig::default())?;
    /// let cleanup = backend.sessions().clean_up_every(std::time::Duration::from_secs(60));
    /// // … serve …
    /// cleanup.stop().await;
    /// # Ok(()) }
    /// ```
    pub fn clean_up_every(&self, interval: Duration) -> Cleanup {
        let interval = interval.max(Duration::from_secs(1));
        let stop = Arc::new(Notify::new());
        let (sessions, stopped) = (self.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let mut wait = interval.mul_f64(sessions.backend().fraction());
            while tokio::time::timeout(wait, stopped.notified()).await.is_err() {
                sessions.clean_up(interval).await;
                wait = interval;
            }
        });
        Cleanup { stop, task }
    }

    async fn clean_up(&self, interval: Duration) {
        let backend = self.backend();
        let store = backend.store().name();
        match backend.take_lease(interval).await {
            Ok(true) => {}
            Ok(false) => return,
            // The lease only saves work: a store that is full, or that keeps whole IDs alone, is cleaned up all the same.
            Err(error) => {
                tracing::debug!(store, %error, "expired sessions are freed without a lease")
            }
        }
        match self.delete_expired().await {
            Ok(freed) => tracing::debug!(store, freed, "expired sessions were freed"),
            Err(error) => tracing::warn!(store, %error, "expired sessions could not be freed"),
        }
    }
}

impl ServerSideSessionBackend {
    /// Whether this instance is to clean up, and nobody else for most of the interval.
    async fn take_lease(&self, interval: Duration) -> Result<bool> {
        let (now, lasts) = (self.now(), interval.mul_f64(0.9));
        let record = Record::from(RecordParts::new(
            Data::empty(self.encoding_for(None)),
            // Of an ID that nobody has.
            self.generate_session_id()?.secret_hash(),
            self.next_revision(),
            now,
            lasts,
        ));
        let taken = self.bounded(self.erased().dyn_create(LEASE, record, now)).await?;
        Ok(taken == Created::Created)
    }

    /// Whether this is the lease, which is in the store like a session and is none.
    pub(super) fn is_lease(handle: SessionHandle) -> bool {
        handle == LEASE
    }

    /// How many records of the store are no sessions.
    pub(super) async fn leases(&self) -> Result<u64> {
        let look = self.bounded(self.erased().dyn_load(LEASE, None, self.now())).await?;
        Ok(u64::from(matches!(look, crate::store::Lookup::Live(_))))
    }

    /// Between 0 and 1, at random.
    fn fraction(&self) -> f64 {
        let mut bytes = [0x80, 0];
        // Half is as good as any if there is no randomness.
        let _ = (self.0.random)(&mut bytes);
        f64::from(u16::from_be_bytes(bytes)) / 65_536.0
    }
}
