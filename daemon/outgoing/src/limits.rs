//! Limits of rates that forges set for logins. Messages and questions share them: whoever asks on prolongs a limit, and can
//! get an App banned.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Logins whose limits are remembered.
const MOST: usize = 10_000;

/// Longest time for which a limit is believed.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Logins that send nothing for a time, with its end.
#[derive(Clone, Debug, Default)]
pub struct RateLimits(Arc<Mutex<BTreeMap<String, Instant>>>);

impl RateLimits {
    /// Notes that a login sends nothing for a time. A limit that ends later stays.
    pub(crate) fn note(&self, login: &str, wait: Duration, now: Instant) {
        let Some(until) = now.checked_add(wait.min(LONGEST)) else { return };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, until| *until > now);
        if let Some(known) = all.get_mut(login) {
            *known = until.max(*known);
        } else if all.len() < MOST {
            all.insert(login.to_owned(), until);
        }
    }

    /// Returns for how long a login sends nothing. `None` means that it is not limited.
    pub(crate) fn left(&self, login: &str, now: Instant) -> Option<Duration> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(login).filter(|until| **until > now).map(|until| until.duration_since(now))
    }

    /// Returns whether a login sends nothing now.
    pub(crate) fn is_limited(&self, login: &str, now: Instant) -> bool {
        self.left(login, now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_of_one_login_and_has_an_end() {
        let (limits, now) = (RateLimits::default(), Instant::now());
        limits.note("git.example:443 app 1 2", Duration::from_secs(60), now);
        let at = |login: &str, seconds| {
            limits.clone().is_limited(login, now + Duration::from_secs(seconds))
        };
        assert!(at("git.example:443 app 1 2", 59) && !at("git.example:443 app 1 2", 60));
        assert!(!at("git.example:443 app 1 3", 0));
        // Another answer, to what was asked before the first came.
        limits.note("git.example:443 app 1 2", Duration::from_secs(1), now);
        assert!(at("git.example:443 app 1 2", 59));
        limits.note("other", Duration::MAX, now);
        assert!(!at("other", LONGEST.as_secs()), "no forge is shut out for good");
    }
}
