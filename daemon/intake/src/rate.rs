//! Rates: buckets of tokens, by whoever spends them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Number of spenders that are remembered.
const MOST: usize = 10_000;

/// Shortest time between two searches for spenders that can be forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// Requests that one spender may make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests in a second, on average.
    pub per_second: f64,
    /// Requests at once, after a time without any.
    pub burst: f64,
}

/// Buckets, each of one spender.
pub(crate) struct Buckets<K> {
    rate: Rate,
    state: Mutex<State<K>>,
}

struct State<K> {
    buckets: BTreeMap<K, Bucket>,
    /// Time of the last search for full buckets. `None` means that there was none.
    forgot: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Returns the tokens that are there at a time.
    fn at(&self, now: Instant, rate: Rate) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        since.mul_add(rate.per_second, self.tokens).min(rate.burst)
    }
}

impl<K: Ord> Buckets<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::new(State { buckets: BTreeMap::new(), forgot: None }) }
    }

    /// Returns the time after which a spender has a token again. `None` means that it has one.
    pub(crate) fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = state.buckets.get(key)?.at(now, self.rate);
        (tokens < 1.0).then(|| Duration::from_secs_f64((1.0 - tokens) / self.rate.per_second))
    }

    /// Spends a token. The error is the time after which there is one again.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let rate = self.rate;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.buckets.contains_key(&key) && state.buckets.len() >= MOST {
            // Under a flood from everywhere this must not be the work.
            if state.forgot.is_some_and(|at| now.saturating_duration_since(at) < FORGET_EVERY) {
                return Err(FORGET_EVERY);
            }
            state.forgot = Some(now);
            state.buckets.retain(|_, bucket| bucket.at(now, rate) < rate.burst);
            if state.buckets.len() >= MOST {
                return Err(FORGET_EVERY);
            }
        }
        let full = Bucket { tokens: rate.burst, at: now };
        let bucket = state.buckets.entry(key).or_insert(full);
        let tokens = bucket.at(now, rate);
        if tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - tokens) / rate.per_second));
        }
        *bucket = Bucket { tokens: tokens - 1.0, at: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spender_has_a_burst_and_then_its_rate() {
        let buckets = Buckets::new(Rate { per_second: 10.0, burst: 3.0 });
        let now = Instant::now();
        assert_eq!(buckets.wait(&"a", now), None);
        for _ in 0..3 {
            buckets.take("a", now).unwrap();
        }
        let wait = buckets.take("a", now).unwrap_err();
        assert!((wait.as_secs_f64() - 0.1).abs() < 0.001, "{wait:?}");
        buckets.take("b", now).unwrap();
        let later = now + Duration::from_millis(101);
        buckets.take("a", later).unwrap();
        buckets.take("a", later).unwrap_err();
        // A clock that goes back gives nothing.
        buckets.take("a", now).unwrap_err();
    }

    #[test]
    fn the_number_of_spenders_is_bounded() {
        let buckets = Buckets::new(Rate { per_second: 1.0, burst: 1.0 });
        let now = Instant::now();
        for key in 0..MOST {
            buckets.take(key, now).unwrap();
        }
        buckets.take(MOST, now).unwrap_err();
        buckets.take(MOST, now + Duration::from_millis(500)).unwrap_err();
        // All have full buckets again, and are forgotten.
        buckets.take(MOST, now + Duration::from_secs(2)).unwrap();
        assert_eq!(buckets.state.lock().unwrap().buckets.len(), 1);
    }
}
