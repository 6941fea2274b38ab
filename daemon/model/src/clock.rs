//! The time of day, read in one place, and lengths of time as text.

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

/// Returns a length of time as text, to the second: `7 days`, `1 h 30 min`, `5 min`, `30 s`. A unit that would be 0 is left
/// out.
#[must_use]
pub fn length(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, if seconds / 86_400 == 1 { "day" } else { "days" }),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_the_units_that_people_count_in() {
        for (seconds, text) in [
            (0, "0 s"),
            (30, "30 s"),
            (60, "1 min"),
            (90, "1 min 30 s"),
            (300, "5 min"),
            (2160, "36 min"),
            (5400, "1 h 30 min"),
            (86_400, "1 day"),
            (129_600, "1 day 12 h"),
            (7 * 86_400, "7 days"),
            (90_061, "1 day 1 h 1 min 1 s"),
        ] {
            assert_eq!(length(seconds), text);
        }
    }
}
