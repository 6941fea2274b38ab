//! The time of day, read in one place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since 1970. A clock that stands before 1970 gives 0.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the time at which `within` is over, in milliseconds since 1970.
#[must_use]
pub fn end_of(within: Duration) -> u64 {
    let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    now_ms().saturating_add(within_ms)
}

/// Returns the time since `at_ms`, in milliseconds since 1970. A time to come gives zero.
#[must_use]
pub fn since(at_ms: u64) -> Duration {
    Duration::from_millis(now_ms().saturating_sub(at_ms))
}
