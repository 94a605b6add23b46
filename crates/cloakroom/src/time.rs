//! Time: Unix milliseconds, and the clock that tells them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment: milliseconds since 1970-01-01T00:00:00Z, never negative.
///
/// 64 bits, always UTC, always from the configured [`Clock`], so that no time zone and no database setting
/// can move a deadline.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(#[serde(deserialize_with = "within_bounds")] u64);

impl UnixMillis {
    /// The latest moment a record can hold: 2^48 − 1 ms, in the year 10889.
    pub const MAX: Self = Self((1 << 48) - 1);

    /// A moment from its number of milliseconds; beyond [`MAX`](Self::MAX) it is `MAX`.
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `duration` later, at most [`MAX`](Self::MAX). Fractions of a millisecond are dropped.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        let millis = duration.as_millis();
        if millis > Self::MAX.0 as u128 {
            Self::MAX
        } else {
            Self::from_millis(self.0 + millis as u64)
        }
    }

    /// The moment `duration` earlier, at least the epoch.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        let millis = duration.as_millis();
        if millis > self.0 as u128 { Self(0) } else { Self(self.0 - millis as u64) }
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// What is read from outside keeps within [`UnixMillis::MAX`] too: sums rely on it.
fn within_bounds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let millis = <u64 as serde::Deserialize>::deserialize(deserializer)?;
    Ok(UnixMillis::from_millis(millis).as_millis())
}

impl From<UnixMillis> for SystemTime {
    fn from(moment: UnixMillis) -> Self {
        UNIX_EPOCH + Duration::from_millis(moment.0)
    }
}

/// Where the library takes the time from.
///
/// One clock serves a whole backend, its stores included: they are told the time, they never ask for it.
/// Tests pass their own; a closure is a clock.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UnixMillis;
}

impl<F: Fn() -> UnixMillis + Send + Sync + 'static> Clock for F {
    fn now(&self) -> UnixMillis {
        self()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> UnixMillis {
        (**self).now()
    }
}

/// The machine's wall clock; a time before 1970 counts as 1970.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else takes the time from"
    )]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
