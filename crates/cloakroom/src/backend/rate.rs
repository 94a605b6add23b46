//! Counting by the second, without a lock: how many anonymous sessions may begin, how many events are said.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::UnixMillis;

/// Bits of the count; the second stands above them.
const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

/// How many were admitted in the present second of the clock, in one word.
#[derive(Debug, Default)]
pub(super) struct Rate(AtomicU64);

impl Rate {
    /// Admits one more unless there were `limit` in this second already.
    pub(super) fn admits(&self, limit: u32, now: UnixMillis) -> bool {
        let second = (now.as_millis() / 1000) << COUNT_BITS;
        let limit = u64::from(limit).min(COUNT_MASK);
        let next = |word: u64| match (word & !COUNT_MASK == second, word & COUNT_MASK) {
            (false, _) => Some(second | 1),
            (true, count) if count < limit => Some(word + 1),
            (true, _) => None,
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}
