//! From the meaning of an answer to the attempt that is recorded: sent, dead, or when to try again.

use crate::pace::Pace;
use std::time::Duration;
use windlass_engine::ports::store::Attempt;
use windlass_forge::outgoing::{Meaning, cut};
use windlass_model::outbox::{Message, MessageState, Receiver};

/// Characters of an error that are stored.
const LONGEST: usize = 300;

/// Result of one attempt. Its texts are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) meaning: Meaning,
    /// Status of the last HTTP answer. `None` means that there was none.
    pub(crate) code: Option<u16>,
}

/// Returns the attempt that is recorded.
pub(crate) fn attempt(message: &Message, tried: &Tried, pace: &Pace, now_ms: u64) -> Attempt {
    let attempts = message.attempts.saturating_add(1);
    let code = tried.code;
    let end = |state, error: &str| Attempt { state, next_ms: now_ms, code, error: shown(error) };
    let wait = |wait: Option<Duration>, error: &str| match wait {
        Some(wait) => {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let next_ms = now_ms.saturating_add(wait);
            Attempt { state: MessageState::Waiting, next_ms, code, error: shown(error) }
        }
        None => end(MessageState::Dead, error),
    };
    match &tried.meaning {
        Meaning::Done => end(MessageState::Done, ""),
        Meaning::Void(why) => end(MessageState::Void, why),
        Meaning::Retry { after, why } => {
            let next = match message.receiver {
                Receiver::Queue { .. } => Pace::queue(attempts),
                _ => pace.passing(attempts),
            };
            // A receiver that asks for more time gets it.
            wait(next.map(|wait| wait.max(after.unwrap_or_default())), why)
        }
        Meaning::RateLimited { until_ms, why } => {
            let least = Pace::limited(attempts);
            let named = until_ms.map(|until| Duration::from_millis(until.saturating_sub(now_ms)));
            let named = named.map(|named| named.max(SHORTEST));
            wait(least.map(|least| named.unwrap_or(least)), why)
        }
        Meaning::Refused(why) if is_endpoint(message) => end(MessageState::Dead, why),
        Meaning::Refused(why) => {
            // Attempts that failed otherwise before say nothing about a refusal.
            let is_again = code.is_none() || is_refusal(message.code);
            let next = pace.refused(attempts);
            wait(if is_again { next } else { Some(pace.first_refused()) }, why)
        }
    }
}

/// Shortest wait after a limit of rates.
const SHORTEST: Duration = Duration::from_secs(1);

/// Returns an attempt that ends a message without a request.
pub(crate) fn ended(state: MessageState, now_ms: u64, error: &str) -> Attempt {
    Attempt { state, next_ms: now_ms, code: None, error: shown(error) }
}

fn shown(error: &str) -> String {
    cut(error, LONGEST)
}

fn is_endpoint(message: &Message) -> bool {
    matches!(
        message.receiver,
        Receiver::Endpoint { .. } | Receiver::Preview { .. } | Receiver::Notice { .. }
    )
}

fn is_refusal(code: Option<u16>) -> bool {
    code.is_some_and(|code| (400..500).contains(&code) && !matches!(code, 408 | 425 | 429))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{message, status};
    use MessageState::{Dead, Done, Void, Waiting};

    const NOW: u64 = 1_700_000_000_000;

    fn judged(message: &Message, meaning: Meaning, code: u16) -> Attempt {
        let tried = Tried { meaning, code: Some(code) };
        attempt(message, &tried, &Pace::default(), NOW)
    }

    #[test]
    fn a_forge_that_refuses_is_asked_three_times_in_ten_minutes() {
        let mut status = Message { receiver: status("web"), ..message(1) };
        let mut waited = 0;
        for expected in [Waiting, Waiting, Dead] {
            let next = judged(&status, Meaning::Refused("HTTP 404".into()), 404);
            assert_eq!(next.state, expected);
            waited += next.next_ms - NOW;
            (status.attempts, status.code) = (status.attempts + 1, next.code);
        }
        assert!((400_000..=720_000).contains(&waited), "{waited}");
    }

    #[test]
    fn outages_before_do_not_count_as_refusals() {
        let away = Message { receiver: status("web"), attempts: 7, code: Some(502), ..message(1) };
        let next = judged(&away, Meaning::Refused("HTTP 404".into()), 404);
        assert_eq!(next.state, Waiting);
        let refused = Message { attempts: 8, code: Some(404), ..away };
        assert_eq!(judged(&refused, Meaning::Refused("HTTP 404".into()), 404).state, Dead);
    }

    #[test]
    fn a_receiver_gets_the_time_that_it_asks_for() {
        let after = Some(Duration::from_secs(3600));
        let next = judged(&message(1), Meaning::Retry { after, why: "HTTP 503".into() }, 503);
        assert_eq!((next.state, next.next_ms), (Waiting, NOW + 3_600_000));
        let until_ms = Some(NOW + 90_000);
        let next = judged(&message(1), Meaning::RateLimited { until_ms, why: String::new() }, 429);
        assert_eq!((next.state, next.next_ms), (Waiting, NOW + 90_000));
        let late = Message { attempts: 9, ..message(1) };
        let next = judged(&late, Meaning::Retry { after, why: String::new() }, 503);
        assert_eq!(next.state, Dead);
    }

    #[test]
    fn what_is_final_is_final() {
        assert_eq!(judged(&message(1), Meaning::Done, 200).state, Done);
        assert_eq!(judged(&message(1), Meaning::Void("fork".into()), 404).state, Void);
        let gone = judged(&message(1), Meaning::Refused("é".repeat(900)), 410);
        assert_eq!((gone.state, gone.error.chars().count()), (Dead, LONGEST));
    }
}
