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

/// Returns a time in UTC, to the second, as text: a reader's own zone is not known here.
#[must_use]
pub fn utc(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    match chrono::DateTime::from_timestamp(seconds, 0) {
        Some(time) => time.to_string(),
        None => format!("{seconds} s after 1970"),
    }
}
