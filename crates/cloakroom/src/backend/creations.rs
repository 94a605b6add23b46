//! A ceiling on new anonymous sessions, so that a flood of visitors without cookies cannot fill a store.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::time::UnixMillis;

/// Bits of the count; the second stands above them.
const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

/// How many were created in the present second: one word, so that counting takes no lock.
#[derive(Debug, Default)]
pub(super) struct Creations(AtomicU64);

impl Creations {
    /// Counts one more.
    ///
    /// # Errors
    /// [`ErrorKind::TooManyCreations`] beyond `limit` in the clock's present second.
    pub(super) fn count(&self, limit: u32, now: UnixMillis) -> Result<()> {
        let second = (now.as_millis() / 1000) << COUNT_BITS;
        let limit = u64::from(limit).min(COUNT_MASK);
        let next = |word: u64| match (word & !COUNT_MASK == second, word & COUNT_MASK) {
            (false, _) => Some(second | 1),
            (true, count) if count < limit => Some(word + 1),
            (true, _) => None,
        };
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(
                ErrorKind::TooManyCreations,
                format!(
                    "more than {limit} new anonymous sessions in a second; raise `max_creations_per_second`, or limit requests in front"
                ),
            )),
        }
    }
}
