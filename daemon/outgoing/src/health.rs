//! Endpoints that are off: they answered 410, or only failed for a day.
//!
//! The stored messages of an endpoint say so, and nothing else is kept. A message that is replayed is sent in any case,
//! and one that was tried before the endpoint was off goes on until its time is over, unless the answer was 410. The
//! success of either turns the endpoint on again.

use windlass_model::outbox::{Message, MessageState};

/// Milliseconds of nothing but failures after which an endpoint is off.
const DAY_MS: u64 = 24 * 3_600_000;

/// Attempts that a message has at least which failed for a day. One with fewer was replayed a short time ago.
const TRIED: u32 = 5;

/// Messages of an endpoint that are looked at, of each kind the newest ones. `next_ms` of one that has ended is the time
/// at which the last attempt was due.
pub(crate) const LOOKED_AT: u32 = 200;

/// Returns the reason why a message of an endpoint is not sent. `all` has the endpoint's newest messages. `None` means
/// that it is sent.
pub(crate) fn off(message: &Message, all: &[Message], now_ms: u64) -> Option<String> {
    if is_replayed(message) {
        return None;
    }
    let last = all.iter().filter(|one| one.state == MessageState::Done).map(|one| one.next_ms);
    let last = last.max().unwrap_or_default();
    let is_gone = |one: &&Message| {
        one.state == MessageState::Dead && one.code == Some(410) && one.next_ms >= last
    };
    if let Some(gone) = all.iter().find(is_gone) {
        return Some(format!("the endpoint is off: it answered 410 to message {}", gone.id));
    }
    // What was tried has its three days. It is also the probe that finds out that the endpoint is back.
    if message.attempts > 0 || last.saturating_add(DAY_MS) > now_ms {
        return None;
    }
    let is_failing = |one: &&Message| {
        let is_failed = match one.state {
            MessageState::Waiting => one.attempts >= TRIED,
            MessageState::Dead => one.attempts > 0,
            MessageState::Done | MessageState::Void => false,
        };
        is_failed && one.created_ms >= last && one.created_ms.saturating_add(DAY_MS) <= now_ms
    };
    all.iter().find(is_failing).map(|failing| {
        format!("the endpoint is off: all attempts since message {} failed, for a day", failing.id)
    })
}

/// Returns what is greater than the id of each message that is a day old, and of no other: ids are UUIDv7.
pub(crate) fn a_day_old(now_ms: u64) -> String {
    let at = now_ms.saturating_sub(DAY_MS);
    format!("{:08x}-{:04x}", at >> 16, at & 0xffff)
}

/// Returns whether somebody replayed a message: it has no attempts, and is due later than it was stored.
fn is_replayed(message: &Message) -> bool {
    message.attempts == 0 && message.next_ms > message.created_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::message;
    use MessageState::{Dead, Done, Waiting};

    const NOW: u64 = 1_700_100_000_000;
    const HOUR: u64 = 3_600_000;

    /// A message that was stored and tried last so many hours ago.
    fn tried(number: u32, state: MessageState, stored: u64, last: u64) -> Message {
        Message {
            state,
            created_ms: NOW - stored * HOUR,
            next_ms: NOW - last * HOUR,
            attempts: TRIED,
            error: if state == Done { String::new() } else { "HTTP 500".into() },
            ..message(number)
        }
    }

    fn is_off(all: &[Message]) -> bool {
        off(&message(100), all, NOW).is_some()
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
        assert!(is_off(&[Message { state: Dead, ..again }]));
    }

    #[test]
    fn ids_of_a_day_ago_are_below_the_bound() {
        let bound = a_day_old(0x018d_dcb9_c680 + DAY_MS);
        assert_eq!(bound, "018ddcb9-c680");
        assert!("018ddcb9-c67f-7fff-bfff-ffffffffffff" < &*bound);
        assert!("018ddcb9-c680-7000-8000-000000000000" > &*bound);
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
        assert_eq!(off(&replayed, std::slice::from_ref(&gone), NOW), None);
        let again = Message { attempts: 1, ..replayed };
        assert!(off(&again, std::slice::from_ref(&gone), NOW).is_some());
        assert!(off(&message(6), &[gone], NOW).is_some());
    }

    #[test]
    fn a_message_that_was_tried_has_its_three_days() {
        let waits = tried(1, Waiting, 30, 1);
        let all = std::slice::from_ref(&waits);
        assert!(is_off(all), "a new message is not sent");
        assert_eq!(off(&waits, all, NOW), None);
        let replayed = Message { attempts: 1, ..tried(2, Waiting, 50, 0) };
        assert_eq!(off(&replayed, all, NOW), None, "one failure more does not end a replay");
    }
}
