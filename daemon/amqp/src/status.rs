//! State of the connection to the broker, for metrics and the log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use windlass_model::clock::now_ms;

/// State of the way from the broker to the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerState {
    /// Messages come.
    Connected,
    /// The broker does not answer, or refuses the daemon. Jobs and other doors go on.
    Away,
    /// The broker is there, and no message is taken: the journal is away.
    Resting,
}

impl BrokerState {
    /// Returns the word for metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Away => "away",
            Self::Resting => "resting",
        }
    }
}

struct Now {
    state: BrokerState,
    since_ms: u64,
    why: String,
    accepted: u64,
    refused: u64,
    /// Number of the next message.
    next: u64,
    /// Messages that are not acknowledged, by their numbers, each with the time at which it came.
    held: BTreeMap<u64, u64>,
}

/// State of the queue, shared with whoever shows it.
#[derive(Clone)]
pub struct Status(Arc<Mutex<Now>>);

impl Status {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Now {
            state: BrokerState::Away,
            since_ms: now_ms(),
            why: "not connected yet".into(),
            accepted: 0,
            refused: 0,
            next: 0,
            held: BTreeMap::new(),
        })))
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the state, and since when it is so, in milliseconds since 1970.
    #[must_use]
    pub fn state(&self) -> (BrokerState, u64) {
        let now = self.now();
        (now.state, now.since_ms)
    }

    /// Returns why no message comes. Empty means that they come.
    #[must_use]
    pub fn why(&self) -> String {
        self.now().why.clone()
    }

    /// Returns the numbers of messages that became jobs or cancelled one, and of those that were refused, since the
    /// daemon's start.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let now = self.now();
        (now.accepted, now.refused)
    }

    /// Returns the number of messages that are not acknowledged.
    #[must_use]
    pub fn held(&self) -> usize {
        self.now().held.len()
    }

    /// Returns for how many milliseconds the oldest of them has been held. `None` means that none is.
    #[must_use]
    pub fn held_ms(&self) -> Option<u64> {
        let since_ms = self.now().held.values().next().copied();
        since_ms.map(|since_ms| now_ms().saturating_sub(since_ms))
    }

    /// Sets the state, and says so in the log where it is another.
    pub(crate) fn set(&self, state: BrokerState, why: &str) {
        let mut now = self.now();
        let is_same = now.state == state && now.why == why;
        if now.state != state {
            now.since_ms = now_ms();
        }
        now.state = state;
        why.clone_into(&mut now.why);
        drop(now);
        match state {
            _ if is_same => {}
            BrokerState::Connected => tracing::info!("the queue's broker is there"),
            BrokerState::Away => {
                tracing::warn!(why, "the queue's broker is away: no message comes")
            }
            BrokerState::Resting => {
                tracing::warn!(why, "no message is taken from the queue for now");
            }
        }
    }

    pub(crate) fn accepted(&self) {
        self.now().accepted += 1;
    }

    pub(crate) fn refused(&self) {
        self.now().refused += 1;
    }

    /// Notes a message that has come. It is held until the guard is dropped.
    pub(crate) fn hold(&self) -> Held {
        let mut now = self.now();
        let number = now.next;
        now.next += 1;
        now.held.insert(number, now_ms());
        Held { status: self.clone(), number }
    }
}

/// Message that is not acknowledged, as the state counts it.
pub(crate) struct Held {
    status: Status,
    number: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.status.now().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_kept_with_its_reason() {
        let status = Status::new();
        assert_eq!(status.state().0, BrokerState::Away);
        status.set(BrokerState::Connected, "");
        assert_eq!((status.state().0.word(), &*status.why()), ("connected", ""));
        status.set(BrokerState::Away, "connection refused");
        assert_eq!((status.state().0.word(), &*status.why()), ("away", "connection refused"));
        status.accepted();
        status.refused();
        assert_eq!(status.counts(), (1, 1));
    }

    #[test]
    fn a_message_is_held_until_its_guard_goes() {
        let status = Status::new();
        assert_eq!((status.held(), status.held_ms()), (0, None));
        let (first, second) = (status.hold(), status.hold());
        assert_eq!(status.held(), 2);
        drop(first);
        assert_eq!(status.held(), 1);
        assert!(status.held_ms().is_some());
        drop(second);
        assert_eq!((status.held(), status.held_ms()), (0, None));
    }
}
