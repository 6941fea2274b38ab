//! Endpoints that are off: they answered 410, or only failed for a day.
//!
//! A message that is replayed is sent in any case, and one that was tried before the endpoint was off goes on until its
//! time is over, unless the answer was 410. The success of either turns the endpoint on again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use windlass_engine::endpoint_health::Unwell;
use windlass_model::outbox::{EndpointHealth, Message};

/// Returns the reason why a message of an endpoint is not sent. `None` means that it is sent.
pub(crate) fn off(message: &Message, unwell: Option<&Unwell>) -> Option<String> {
    let unwell = unwell.filter(|unwell| unwell.health == EndpointHealth::Disabled)?;
    if is_replayed(message) {
        return None;
    }
    // What was tried has its three days. It is also the probe that finds out that the endpoint is back.
    let is_sent = message.attempts > 0 && !unwell.is_gone;
    (!is_sent).then(|| unwell.why.clone())
}

/// Returns whether somebody replayed a message: it has no attempts, and is due later than it was stored.
fn is_replayed(message: &Message) -> bool {
    message.attempts == 0 && message.next_ms > message.created_ms
}

/// Endpoints that take no messages, by project and name, as they were when they were looked at last. Clones share them.
#[derive(Clone, Default)]
pub struct UnwellEndpoints(Arc<Mutex<BTreeMap<(String, String), EndpointHealth>>>);

impl UnwellEndpoints {
    /// Returns the number of endpoints in a state.
    #[must_use]
    pub fn count(&self, health: EndpointHealth) -> usize {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().filter(|one| **one == health).count()
    }

    /// Returns projects and names of all of them.
    pub(crate) fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Notes the state of an endpoint. `None` means that it takes messages, or is no more.
    pub(crate) fn note(&self, project: &str, name: &str, health: Option<EndpointHealth>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (project.to_owned(), name.to_owned());
        match health {
            Some(health) => all.insert(key, health),
            None => all.remove(&key),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::message;
    use MessageState::{Dead, Done, Waiting};
    use windlass_engine::endpoint_health::endpoint_health;
    use windlass_model::outbox::MessageState;

    const NOW: u64 = 1_700_100_000_000;
    const HOUR: u64 = 3_600_000;

    /// A message that was stored and tried last so many hours ago.
    fn tried(number: u32, state: MessageState, stored: u64, last: u64) -> Message {
        Message {
            state,
            created_ms: NOW - stored * HOUR,
            next_ms: NOW - last * HOUR,
            attempts: 5,
            error: if state == Done { String::new() } else { "HTTP 500".into() },
            ..message(number)
        }
    }

    fn why_off(message: &Message, all: &[Message]) -> Option<String> {
        off(message, endpoint_health(all, NOW).as_ref())
    }

    fn is_off(all: &[Message]) -> bool {
        why_off(&message(100), all).is_some()
    }

    #[test]
    fn an_endpoint_is_off_after_a_day_of_nothing_but_failures() {
        assert!(!is_off(&[]));
        assert!(!is_off(&[tried(1, Waiting, 23, 1)]));
        assert!(is_off(&[tried(1, Waiting, 25, 1)]));
        assert!(is_off(&[tried(1, Done, 60, 60), tried(2, Dead, 25, 1)]));
        // One that succeeded meanwhile, though it is older.
        assert!(!is_off(&[tried(1, Done, 60, 2), tried(2, Dead, 25, 1)]));
        // It was never tried: the daemon was off.
        let untried = Message { attempts: 0, error: String::new(), ..tried(1, Waiting, 90, 0) };
        assert!(!is_off(&[untried]));
    }

    #[test]
    fn an_old_message_that_was_replayed_and_failed_once_turns_nothing_off() {
        let again = Message { attempts: 1, ..tried(1, Waiting, 60, 0) };
        assert!(!is_off(std::slice::from_ref(&again)));
        assert!(!is_off(&[Message { state: Dead, ..again.clone() }]), "it ended without a request");
        assert!(is_off(&[Message { state: Dead, attempts: 9, ..again }]));
    }

    #[test]
    fn one_answer_that_it_is_gone_turns_it_off_until_one_succeeds() {
        let gone = Message { code: Some(410), ..tried(5, Dead, 3, 2) };
        assert!(is_off(std::slice::from_ref(&gone)));
        assert!(is_off(&[gone.clone(), tried(4, Done, 5, 4)]));
        assert!(!is_off(&[gone, tried(4, Done, 5, 1)]));
    }

    #[test]
    fn a_message_that_is_replayed_is_sent() {
        let gone = Message { code: Some(410), ..tried(5, Dead, 3, 2) };
        let replayed = Message { next_ms: NOW, ..message(4) };
        assert!(replayed.next_ms > replayed.created_ms);
        assert_eq!(why_off(&replayed, std::slice::from_ref(&gone)), None);
        let again = Message { attempts: 1, ..replayed };
        assert!(why_off(&again, std::slice::from_ref(&gone)).is_some());
        assert!(why_off(&message(6), &[gone]).is_some());
    }

    #[test]
    fn a_message_that_was_tried_has_its_three_days() {
        let waits = tried(1, Waiting, 30, 1);
        let all = std::slice::from_ref(&waits);
        assert!(is_off(all), "a new message is not sent");
        assert_eq!(why_off(&waits, all), None);
        let replayed = Message { attempts: 1, ..tried(2, Waiting, 50, 0) };
        assert_eq!(why_off(&replayed, all), None, "one failure more does not end a replay");
    }
}
