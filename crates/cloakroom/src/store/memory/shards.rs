//! All shards of a store: choosing one, locking it, and making room when they are full.

use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::shard::{Shard, Sweep};
use super::usage::{Full, Usage};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SessionHandle;
use crate::time::UnixMillis;

/// How many expired sessions a search for room takes at once.
const RECLAIM: usize = 32;

pub(super) struct Shards {
    shards: Box<[Mutex<Shard>]>,
    pub(super) usage: Arc<Usage>,
    /// Where sweeps and searches for room go on, so that they do not always burden the same shards.
    next: AtomicU8,
    /// The millisecond in which a search for room found that nothing is expired, in any shard.
    swept: AtomicU64,
}

impl Shards {
    pub(super) fn new(max_sessions: u64, max_bytes: u64) -> Self {
        let usage = Arc::new(Usage::new(max_sessions, max_bytes));
        let hasher = RandomState::new();
        let shard = |_| Mutex::new(Shard::new(usage.clone(), hasher.clone()));
        Self {
            shards: (0..=u8::MAX).map(shard).collect(),
            usage,
            next: AtomicU8::new(0),
            swept: AtomicU64::new(u64::MAX),
        }
    }

    /// Works under the lock of one shard, then frees what was removed and tells whoever waited for its end.
    pub(super) fn at<T>(&self, index: u8, work: impl FnOnce(&mut Shard) -> T) -> T {
        let mut shard = lock(&self.shards[usize::from(index)]);
        let done = work(&mut shard);
        let ended = std::mem::take(&mut shard.ended);
        let freed = shard.freed[0].is_some().then(|| std::mem::take(&mut shard.freed));
        drop(shard);
        drop(freed);
        ended.iter().for_each(|notify| notify.notify_waiters());
        done
    }

    /// Works under the lock of the shard that has `key`.
    pub(super) fn of<T>(&self, key: SessionHandle, work: impl FnOnce(&mut Shard) -> T) -> T {
        self.at(key.as_bytes()[0], work)
    }

    /// Tries until there is room. The rules are checked anew each time, since the lock is released between.
    pub(super) fn admit<T>(
        &self,
        key: SessionHandle,
        cost: u64,
        now: UnixMillis,
        mut attempt: impl FnMut(&mut Shard) -> Result<T, Full>,
    ) -> Result<T> {
        loop {
            let before = self.usage.changes();
            let done = self.of(key, |shard| {
                shard.upkeep(now);
                attempt(shard)
            });
            match done {
                Ok(done) => return Ok(done),
                // What could never fit must not drive out the others.
                Err(Full) if cost > self.usage.max_bytes() => return Err(self.refuse()),
                Err(Full) if self.make_room(key, now) => {}
                // Only a search during which nothing moved proves that there is nothing to evict. Otherwise
                // another call got on, so that this repeats no more often than others succeed.
                Err(Full) if self.usage.changes() != before => {}
                Err(Full) => return Err(self.refuse()),
            }
        }
    }

    /// A part of one shard, then of the next, so that whoever waits for a shard gets it before its turn is come again.
    pub(super) fn delete_expired(&self, limit: usize, now: UnixMillis) -> usize {
        let mut removed = 0;
        let mut unfinished: VecDeque<_> =
            self.round().map(|index| (index, Sweep::Collecting)).collect();
        while let Some((index, mut sweep)) = unfinished.pop_front()
            && removed < limit
        {
            removed += self.at(index, |shard| shard.sweep(&mut sweep, limit - removed, now));
            if sweep != Sweep::Done {
                unfinished.push_back((index, sweep));
            }
            self.next.store(index.wrapping_add(1), Relaxed);
        }
        removed
    }

    /// Removes up to `limit` expired sessions of one shard; all of them if it removes fewer.
    fn sweep(&self, index: u8, limit: usize, now: UnixMillis) -> usize {
        let (mut sweep, mut removed) = (Sweep::Collecting, 0);
        while sweep != Sweep::Done && removed < limit {
            removed += self.at(index, |shard| shard.sweep(&mut sweep, limit - removed, now));
        }
        removed
    }

    /// Removes expired sessions, or else evicts an anonymous one; whether it found any.
    ///
    /// All shards are searched for expired ones once a millisecond at most: a flood of creates on a full store
    /// is not to lock every shard each time.
    fn make_room(&self, except: SessionHandle, now: UnixMillis) -> bool {
        if self.swept.load(Relaxed) != now.as_millis() {
            let removed = self.delete_expired(RECLAIM, now);
            if removed < RECLAIM {
                self.swept.store(now.as_millis(), Relaxed);
            }
            if removed > 0 {
                return true;
            }
        }
        self.next.fetch_add(1, Relaxed);
        self.round().any(|index| {
            if self.sweep(index, RECLAIM, now) > 0 {
                return true;
            }
            let evicted = self.at(index, |shard| shard.evict_anonymous(except));
            if evicted {
                self.note_eviction();
            }
            evicted
        })
    }

    /// Says so at the 1st, 2nd, 4th, 8th … time: under a flood the log must not be the next thing to fill.
    fn note_eviction(&self) {
        let evicted = self.usage.count_eviction();
        if evicted.is_power_of_two() {
            tracing::warn!(
                store = "memory",
                evicted,
                sessions = self.usage.sessions(),
                bytes = self.usage.bytes(),
                "memory store is full: anonymous sessions are evicted"
            );
        }
    }

    /// Says so as seldom as an eviction.
    fn refuse(&self) -> Error {
        let refused = self.usage.count_refusal();
        if refused.is_power_of_two() {
            tracing::warn!(
                store = "memory",
                refused,
                sessions = self.usage.sessions(),
                max_sessions = self.usage.max_sessions(),
                bytes = self.usage.bytes(),
                max_bytes = self.usage.max_bytes(),
                "memory store is full and has no anonymous session to evict: a write is refused"
            );
        }
        Error::new(
            ErrorKind::StoreFull,
            "no room for a session; raise `with_max_sessions` or `with_max_bytes`",
        )
        .with_store("memory")
    }

    /// Every shard once, from where the last round ended.
    fn round(&self) -> impl Iterator<Item = u8> + use<> {
        let first = self.next.load(Relaxed);
        (0..=u8::MAX).map(move |step| first.wrapping_add(step))
    }
}

/// A panic under the lock is a bug in this module; the other sessions are not to suffer from it for ever.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
