//! Times, durations and sizes as people read them.

use jiff::{Timestamp, tz::TimeZone};
pub(crate) use windlass_model::clock::now_ms;

/// A wall clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock(TimeZone);

impl Clock {
    /// Makes a clock of the time zone of this machine.
    pub(crate) fn local() -> Self {
        Self(TimeZone::system())
    }

    /// Makes a clock of UTC.
    #[cfg(test)]
    pub(crate) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Formats a time, as in `17:53:02`.
    pub(crate) fn time(&self, ms: u64) -> String {
        self.format(ms, "%H:%M:%S")
    }

    /// Formats a date, as in `2025-11-25 17:53`.
    pub(crate) fn date(&self, ms: u64) -> String {
        self.format(ms, "%Y-%m-%d %H:%M")
    }

    fn format(&self, ms: u64, format: &str) -> String {
        let at = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        at.map(|at| at.to_zoned(self.0.clone()).strftime(format).to_string()).unwrap_or_default()
    }
}

/// Formats a duration, as in `0.8 s`, `12 s`, `2 min 5 s`, `1 h 3 min`.
pub(crate) fn took(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..10 => format!("{seconds}.{} s", ms % 1000 / 100),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Formats an age, as in `40 s`, `5 min`, `3 h`, `2 d`.
pub(crate) fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Formats a size, as in `812 B`, `62.3 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let of =
        |unit: u64, name: &str| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => of(1000, "kB"),
        1_000_000..1_000_000_000 => of(1_000_000, "MB"),
        _ => of(1_000_000_000, "GB"),
    }
}

/// Returns the milliseconds since 1970. `None` means a time that is absent or before that.
pub(crate) fn millis(time: Option<&prost_types::Timestamp>) -> Option<u64> {
    let time = time?;
    let ms = time.seconds.checked_mul(1000)?.checked_add(i64::from(time.nanos / 1_000_000))?;
    u64::try_from(ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_ages_are_short() {
        let cases = [840, 12_300, 125_000, 3_780_000, 200_000_000];
        let durations = ["0.8 s", "12 s", "2 min 5 s", "63 min 0 s", "55 h 33 min"];
        let ages = ["0 s", "12 s", "2 min", "63 min", "2 d"];
        assert_eq!(cases.map(took), durations);
        assert_eq!(cases.map(age), ages);
    }

    #[test]
    fn sizes_are_decimal_as_registries_show_them() {
        let cases = [812, 1_540, 62_345_678, 1_900_000_000];
        assert_eq!(cases.map(bytes), ["812 B", "1.5 kB", "62.3 MB", "1.9 GB"]);
    }

    #[test]
    fn a_clock_shows_times_and_dates() {
        let clock = Clock::utc();
        assert_eq!(clock.time(1_764_093_182_000), "17:53:02");
        assert_eq!(clock.date(1_764_093_182_000), "2025-11-25 17:53");
        assert_eq!(clock.time(u64::MAX), "");
    }
}
