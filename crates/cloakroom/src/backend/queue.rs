//! One queue a session for commits that met a conflict.
//!
//! Fifty requests that write one session would each be beaten many times; behind one another each is beaten
//! once. A commit without a conflict never looks here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::id::SessionHandle;
use crate::record::Record;

/// How many queues are kept before the unused ones are dropped.
const SWEEP_AT: usize = 1024;

/// The turn to write a session, and what whoever had it before has stored.
pub(super) type Turn = tokio::sync::Mutex<Option<Record>>;

#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<HashMap<SessionHandle, Weak<Turn>>>);

impl Queues {
    pub(super) fn of(&self, handle: SessionHandle) -> Arc<Turn> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(&handle).and_then(Weak::upgrade) {
            return queue;
        }
        if queues.len() >= SWEEP_AT {
            queues.retain(|_, queue| queue.strong_count() > 0);
        }
        let queue = Arc::default();
        queues.insert(handle, Arc::downgrade(&queue));
        queue
    }
}
