//! Pause while the collector is away, twice as long after each failure.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// First and longest pause.
const PAUSE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));

/// Pause of one collector, if it is away.
#[derive(Debug, Default)]
pub(crate) struct Away(Mutex<Option<Pause>>);

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    length: Duration,
}

impl Away {
    /// Returns how long the collector is not asked. `None` means that it may be asked now.
    pub(crate) fn left(&self) -> Option<Duration> {
        let pause = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let left = pause.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Begins a pause, at least as long as `least`, and returns its length. `None` means that one runs already: requests
    /// that fail together are one failure.
    pub(crate) fn begin(&self, least: Option<Duration>) -> Option<Duration> {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let length = match *pause {
            Some(before) if now < before.until => return None,
            Some(before) => (before.length * 2).min(PAUSE.1),
            None => PAUSE.0,
        };
        *pause = Some(Pause { until: now + length.max(least.unwrap_or_default()), length });
        Some(length.max(least.unwrap_or_default()))
    }

    /// Ends the pause: the collector has answered.
    pub(crate) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_pause_doubles_and_failures_together_are_one() {
        let away = Away::default();
        assert_eq!(away.left(), None);
        for seconds in [15, 30, 60, 120, 240, 480, 600, 600] {
            let length = Duration::from_secs(seconds);
            assert_eq!(away.begin(None), Some(length));
            assert_eq!((away.begin(None), away.left()), (None, Some(length)));
            tokio::time::advance(length).await;
            assert_eq!(away.left(), None);
        }
        away.end();
        assert_eq!(away.begin(Some(Duration::from_secs(90))), Some(Duration::from_secs(90)));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(away.begin(None), Some(Duration::from_secs(30)), "its own pause goes on");
    }
}
