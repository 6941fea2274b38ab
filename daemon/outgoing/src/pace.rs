//! Times between attempts.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// Seconds to wait after each failure that may pass; 75 hours in all. After one failure more the message is dead.
const PASSING: [u64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// Seconds to wait after each refusal of a forge: a commit that it does not know may be one that it does not know yet.
const REFUSED: [u64; 2] = [2 * MINUTE, 8 * MINUTE];

/// Seconds to wait after a limit of rates without an end, doubled for each one before.
const LIMITED: u64 = MINUTE;

/// Longest of these waits, in seconds.
const LONGEST_LIMITED: u64 = HOUR;

/// Limits of rates after which a message is dead.
const MOST_LIMITED: u32 = 100;

/// Longest wait between attempts at the queue, in seconds: its broker is the operator's own, and no attempt leaves the
/// daemon while it is away.
const LONGEST_QUEUE: u64 = MINUTE;

/// Attempts at the queue after which a message is dead: three days.
const MOST_QUEUE: u32 = 3 * 24 * 60;

/// Part by which times are shortened or lengthened at random, so that messages that failed together come back apart.
const JITTER: f64 = 0.2;

/// Times between attempts.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    passing: Vec<Duration>,
    refused: Vec<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        let all = |seconds: &[u64]| seconds.iter().copied().map(Duration::from_secs).collect();
        Self { passing: all(&PASSING), refused: all(&REFUSED) }
    }
}

impl Pace {
    /// Makes a pace for tests: so many short waits.
    #[cfg(test)]
    pub(crate) fn quick(waits: usize) -> Self {
        let wait = Duration::from_millis(1);
        Self { passing: vec![wait; waits], refused: vec![wait; waits.min(REFUSED.len())] }
    }

    /// Returns how long to wait after a number of attempts, the last of which failed. `None` means for ever.
    pub(crate) fn passing(&self, attempts: u32) -> Option<Duration> {
        nth(&self.passing, attempts).map(jittered)
    }

    /// Returns how long to wait after a number of attempts, the last of which was refused. `None` means for ever.
    pub(crate) fn refused(&self, attempts: u32) -> Option<Duration> {
        nth(&self.refused, attempts).map(jittered)
    }

    /// Returns how long to wait after the first refusal.
    pub(crate) fn first_refused(&self) -> Duration {
        self.refused(1).unwrap_or_default()
    }

    /// Returns how long to wait after a number of attempts at the queue, the last of which failed. `None` means for ever.
    pub(crate) fn queue(attempts: u32) -> Option<Duration> {
        if attempts > MOST_QUEUE {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(10);
        Some(jittered(Duration::from_secs((1_u64 << doublings).min(LONGEST_QUEUE))))
    }

    /// Returns how long to wait after a limit of rates without an end. `None` means for ever.
    pub(crate) fn limited(attempts: u32) -> Option<Duration> {
        if attempts > MOST_LIMITED {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(10);
        Some(Duration::from_secs((LIMITED << doublings).min(LONGEST_LIMITED)))
    }
}

fn nth(waits: &[Duration], attempts: u32) -> Option<Duration> {
    let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
    waits.get(at).copied()
}

fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(1.0 - JITTER..=1.0 + JITTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_that_is_away_is_tried_for_three_days() {
        let pace = Pace::default();
        let waits: Vec<_> = (1..=20).map_while(|attempts| pace.passing(attempts)).collect();
        assert_eq!(waits.len(), 9);
        let sum: f64 = waits.iter().map(Duration::as_secs_f64).sum();
        assert!((60.0..=92.0).contains(&(sum / 3600.0)), "{sum}");
        for (wait, seconds) in waits.iter().zip(PASSING) {
            let part = wait.as_secs_f64() / Duration::from_secs(seconds).as_secs_f64();
            assert!((0.79..=1.21).contains(&part), "{wait:?} of {seconds} s");
        }
    }

    #[test]
    fn a_refusal_is_final_after_three_attempts_in_ten_minutes() {
        let pace = Pace::default();
        let waits: Vec<_> = (1..=20).map_while(|attempts| pace.refused(attempts)).collect();
        assert_eq!(waits.len(), 2);
        assert!(waits.iter().sum::<Duration>() <= Duration::from_secs(12 * 60));
    }

    #[test]
    fn a_queue_is_tried_once_a_minute_for_three_days() {
        let first = Pace::queue(1).unwrap().as_secs_f64();
        assert!((0.79..=1.21).contains(&first), "{first}");
        let later = Pace::queue(100).unwrap().as_secs_f64();
        assert!((47.0..=73.0).contains(&later), "{later}");
        assert_eq!(Pace::queue(MOST_QUEUE + 1), None);
    }

    #[test]
    fn a_limit_without_an_end_is_waited_out_ever_longer() {
        let seconds = [1, 2, 3, 50].map(|attempts| Pace::limited(attempts).unwrap().as_secs());
        assert_eq!(seconds, [60, 120, 240, 3600]);
        assert_eq!(Pace::limited(MOST_LIMITED + 1), None);
    }
}
