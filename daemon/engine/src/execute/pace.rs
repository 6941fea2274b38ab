//! Pace of records that may come for hours: a wait of a day would fill the journal.

use std::time::Duration;
use tokio::time::Instant;

/// Bound of the records of one kind: the first ones as they come, and after them one in a while.
pub(super) struct Pace {
    left: u32,
    every: Duration,
    last: Instant,
}

impl Pace {
    /// Makes a pace of `most` records as they come, and of the time between those after them.
    pub(super) fn new(most: u32, every: Duration, now: Instant) -> Self {
        Self { left: most, every, last: now }
    }

    /// Returns whether something is recorded.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.left == 0 && now.saturating_duration_since(self.last) < self.every {
            return false;
        }
        (self.left, self.last) = (self.left.saturating_sub(1), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_back_and_forth_is_recorded_now_and_then() {
        let began = Instant::now();
        let mut pace = Pace::new(1000, Duration::from_secs(10), began);
        assert_eq!((0..5000).filter(|_| pace.take(began)).count(), 1000);
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        let later: Vec<_> = (1..=30).filter(|seconds| pace.take(at(*seconds))).collect();
        assert_eq!(later, [10, 20, 30]);
    }
}
