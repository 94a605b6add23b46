//! Calls that wait for a thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::call::Task;

/// Tasks in the order of their arrival. As long as its callers: each waits for its own.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Box<dyn Task>>,
    closed: bool,
}

impl Queue {
    pub(super) fn push(&self, task: Box<dyn Task>) {
        self.state().tasks.push_back(task);
        self.changed.notify_one();
    }

    /// Lets the threads end when they have done what is there.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Waits until there is something to do; `false` if there never will be.
    pub(super) fn wait(&self) -> bool {
        let idle = |state: &mut State| state.tasks.is_empty() && !state.closed;
        let state = self.changed.wait_while(self.state(), idle);
        !state.unwrap_or_else(PoisonError::into_inner).tasks.is_empty()
    }

    /// Takes up to `most` tasks without waiting.
    pub(super) fn take(&self, most: usize) -> Vec<Box<dyn Task>> {
        let mut state = self.state();
        let count = state.tasks.len().min(most);
        state.tasks.drain(..count).collect()
    }

    /// Drops the tasks that nobody waits for; whether any other is left.
    pub(super) fn drop_abandoned(&self) -> bool {
        let mut state = self.state();
        let tasks = std::mem::take(&mut state.tasks);
        let (gone, left): (VecDeque<_>, _) =
            tasks.into_iter().partition(|task| task.is_abandoned());
        state.tasks = left;
        let any = !state.tasks.is_empty();
        drop(state);
        // Without the lock: to drop a task wakes its caller, and waking runs foreign code.
        drop(gone);
        any
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
