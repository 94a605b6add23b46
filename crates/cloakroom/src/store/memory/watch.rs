//! Who waits for the end of which session.
//!
//! A key is here only while someone waits: each waiter counts, the last one to leave takes the key away, and
//! so does the end of the session.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::shards::Shards;
use crate::id::SessionHandle;

/// The keys of a shard that are waited for.
#[derive(Default)]
pub(super) struct Watchers(HashMap<SessionHandle, Watched>);

struct Watched {
    notify: Arc<Notify>,
    waiters: usize,
}

impl Watchers {
    fn join(&mut self, key: SessionHandle) -> Arc<Notify> {
        let watched = self
            .0
            .entry(key)
            .or_insert_with(|| Watched { notify: Arc::new(Notify::new()), waiters: 0 });
        watched.waiters += 1;
        watched.notify.clone()
    }

    fn leave(&mut self, key: SessionHandle, notify: &Arc<Notify>) {
        // A session that was created again under the key has another `Notify`, and waiters of its own.
        let Some(watched) = self.0.get_mut(&key).filter(|it| Arc::ptr_eq(&it.notify, notify))
        else {
            return;
        };
        watched.waiters -= 1;
        if watched.waiters == 0 {
            self.0.remove(&key);
        }
    }

    /// Takes out whoever waits for a key, to be told once the lock is released.
    pub(super) fn take(&mut self, key: SessionHandle) -> Option<Arc<Notify>> {
        self.0.remove(&key).map(|watched| watched.notify)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A place among the waiters, given up on drop.
pub(super) struct Waiter {
    shards: Arc<Shards>,
    key: SessionHandle,
    notify: Arc<Notify>,
}

impl Waiter {
    /// Joins the waiters of a session; `None` if there is no such session.
    ///
    /// The end is noticed from here on, even before the future is polled.
    pub(super) fn join(shards: &Arc<Shards>, key: SessionHandle) -> Option<(Self, OwnedNotified)> {
        let notify = shards.of(key, |shard| {
            let there = shard.holds(key);
            there.then(|| shard.watchers.join(key)).map(|it| (it.clone(), it.notified_owned()))
        });
        notify.map(|(notify, ended)| (Self { shards: shards.clone(), key, notify }, ended))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.shards.of(self.key, |shard| shard.watchers.leave(self.key, &self.notify));
    }
}
