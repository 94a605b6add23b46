//! Who waits for the end of which session, in this process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::id::SessionHandle;

/// A namespace and a handle.
pub(super) type Key = (Arc<str>, SessionHandle);

/// The sessions that are waited for. A key is here only while someone waits.
#[derive(Default)]
pub(super) struct Watchers(Mutex<HashMap<Key, Watched>>);

#[derive(Default)]
struct Watched {
    notify: Arc<Notify>,
    waiters: usize,
}

impl Watchers {
    /// Resolves when the end of a session is told, from the first poll on.
    pub(super) async fn ended(&self, key: Key) {
        let (_place, ended) = {
            let mut keys = self.keys();
            let watched = keys.entry(key.clone()).or_default();
            watched.waiters += 1;
            let notify = watched.notify.clone();
            // Made under the lock: it hears what is told from here on, even before it is polled.
            let ended = notify.clone().notified_owned();
            (Place { watchers: self, key, notify }, ended)
        };
        ended.await;
    }

    /// Tells those who wait for any of these sessions.
    pub(super) fn tell(&self, ended: impl Iterator<Item = Key>) {
        for key in ended {
            // Woken without the lock: waking runs foreign code.
            let watched = self.keys().remove(&key);
            if let Some(watched) = watched {
                watched.notify.notify_waiters();
            }
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<Key, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait, given up on drop.
struct Place<'a> {
    watchers: &'a Watchers,
    key: Key,
    notify: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut keys = self.watchers.keys();
        let Entry::Occupied(mut watched) = keys.entry(self.key.clone()) else { return };
        // Another `Notify` came after an end was told, and has waiters of its own.
        if Arc::ptr_eq(&watched.get().notify, &self.notify) {
            watched.get_mut().waiters -= 1;
            if watched.get().waiters == 0 {
                watched.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn who_waits_hears_the_end_and_leaves_nothing_behind() {
        let watchers = Watchers::default();
        let key = |n| (Arc::from("shop"), SessionHandle::from_bytes([n; 16]));
        let mut cx = Context::from_waker(Waker::noop());
        {
            let (mut a, mut b) = (pin!(watchers.ended(key(1))), pin!(watchers.ended(key(2))));
            assert!(a.as_mut().poll(&mut cx).is_pending() && b.as_mut().poll(&mut cx).is_pending());
            watchers.tell([key(1)].into_iter());
            assert!(a.as_mut().poll(&mut cx).is_ready() && b.as_mut().poll(&mut cx).is_pending());
            assert_eq!(watchers.keys().len(), 1);
        }
        assert_eq!(watchers.keys().len(), 0);
    }
}
