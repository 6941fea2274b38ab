//! The clock beside one that nobody sets.

use std::time::{Duration, Instant};

/// Time by which the clock may lag behind without having been set back: it is kept right in small steps.
const TOLERANCE: Duration = Duration::from_secs(5);

/// Watch over the clock. Times to come that are stored are further off once it was set back.
pub(super) struct ClockWatch {
    /// Time of the last look, by the one and by the other.
    at: Instant,
    clock_ms: u64,
}

impl ClockWatch {
    pub(super) fn new(at: Instant, clock_ms: u64) -> Self {
        Self { at, clock_ms }
    }

    /// Returns by how much the clock was set back since the last look. `None` means that it was not.
    pub(super) fn set_back(&mut self, at: Instant, clock_ms: u64) -> Option<Duration> {
        let passed = at.saturating_duration_since(self.at).as_millis();
        let expected = self.clock_ms.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        (self.at, self.clock_ms) = (at, clock_ms);
        let back = Duration::from_millis(expected.saturating_sub(clock_ms));
        Some(back).filter(|back| *back > TOLERANCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noticed_once() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut watch = ClockWatch::new(began, 1_000_000);
        assert_eq!(watch.set_back(at(30), 1_030_000), None);
        assert_eq!(watch.set_back(at(60), 1_059_000), None, "in small steps");
        // Forward, as after a sleep of the machine.
        assert_eq!(watch.set_back(at(90), 5_000_000), None);
        assert_eq!(watch.set_back(at(120), 1_430_000), Some(Duration::from_secs(3600)));
        assert_eq!(watch.set_back(at(150), 1_460_000), None);
    }
}
