//! Times and durations, to the millisecond.

use prost_types::{Duration, Timestamp};

/// Returns the message for a time in milliseconds since 1970.
pub(super) fn timestamp(ms: u64) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(ms / 1000).unwrap_or(i64::MAX),
        nanos: i32::try_from(ms % 1000).unwrap_or_default() * 1_000_000,
    }
}

/// Returns the message for a duration in milliseconds.
pub(super) fn duration(ms: u64) -> Duration {
    Duration {
        seconds: i64::try_from(ms / 1000).unwrap_or(i64::MAX),
        nanos: i32::try_from(ms % 1000).unwrap_or_default() * 1_000_000,
    }
}
