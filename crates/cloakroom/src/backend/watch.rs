//! Waiting for the end of a session.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::ServerSideSessionBackend;
use crate::id::SessionHandle;
use crate::store::{Ended, Lookup};

/// How often a session is looked at that nobody reported as ended: for its expiry, and for stores that do not
/// notify.
const INTERVAL: Duration = Duration::from_secs(1);

impl ServerSideSessionBackend {
    pub(crate) async fn ended(&self, handle: SessionHandle) -> Ended {
        loop {
            // Registered before the look, so that an end between the two is not missed.
            let mut notified = pin!(self.erased().dyn_ended(handle));
            let early = std::future::poll_fn(|cx| Poll::Ready(notified.as_mut().poll(cx))).await;
            let look = self.bounded(self.erased().dyn_load(handle, None, self.now())).await;
            let failed = look.is_err();
            if let Ok(Lookup::Absent(why)) = look {
                return why.unwrap_or(Ended::Destroyed);
            }
            match early {
                // The store reports an end and cannot be looked at: to ask at once would be to ask without a pause.
                Poll::Ready(()) if failed => tokio::time::sleep(INTERVAL).await,
                Poll::Pending => drop(tokio::time::timeout(INTERVAL, notified).await),
                // Without cause: somebody else's session, or a store that cannot tell.
                Poll::Ready(()) => tokio::task::yield_now().await,
            }
        }
    }
}
