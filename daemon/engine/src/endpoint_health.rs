//! Health of a project's endpoints: those that only fail, and those that are off.
//!
//! The stored messages of an endpoint say so, and nothing else is kept.

use crate::ports::store::{Outbox, OutboxFilter, StoreError};
use windlass_model::outbox::{EndpointHealth, Message, MessageState, Receiver};

/// Milliseconds of nothing but failures after which an endpoint is off.
const DAY_MS: u64 = 24 * 3_600_000;

/// Milliseconds of nothing but failures after which others hear of it.
const WARNED_MS: u64 = DAY_MS / 2;

/// Attempts that a message has at least which failed for so long. One with fewer was replayed a short time ago.
const TRIED: u32 = 5;

/// Beginning of the reason for which a message is not sent to an endpoint that is off.
const OFF: &str = "the endpoint is off";

/// Messages of an endpoint that are looked at, of each kind the newest ones. `next_ms` of one that has ended is the
/// time at which the last attempt was due.
const LOOKED_AT: u32 = 200;

/// An endpoint that takes no messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwell {
    pub health: EndpointHealth,
    /// It answered 410: it is no more.
    pub is_gone: bool,
    /// Id of the last message that it took. Empty means that it took none.
    pub since: String,
    /// Time since which it takes none, in milliseconds since 1970: that of the last message that it took, or of the first
    /// known one that it did not take.
    pub since_ms: u64,
    /// Sentence for people, with the id of a message that shows it.
    pub why: String,
}

/// Returns what is wrong with an endpoint. `all` has its newest messages, as [`messages_of_endpoint`] returns them.
/// `None` means that it takes messages, or has not failed for long.
#[must_use]
pub fn endpoint_health(all: &[Message], now_ms: u64) -> Option<Unwell> {
    let done = all.iter().filter(|one| one.state == MessageState::Done);
    let last = done.max_by(|one, other| (one.next_ms, &one.id).cmp(&(other.next_ms, &other.id)));
    let last_ms = last.map(|last| last.next_ms).unwrap_or_default();
    let unwell = |health, is_gone, why| {
        let since = last.map(|last| last.id.clone()).unwrap_or_default();
        let missed = || all.iter().filter(|one| is_missed(one)).map(|one| one.created_ms).min();
        let since_ms = last.map(|last| last.next_ms).or_else(missed).unwrap_or(now_ms);
        Some(Unwell { health, is_gone, since, since_ms, why })
    };
    let is_gone = |one: &&Message| {
        one.state == MessageState::Dead && one.code == Some(410) && one.next_ms >= last_ms
    };
    if let Some(gone) = all.iter().find(is_gone) {
        let why = format!("{OFF}: it answered 410 to message {}", gone.id);
        return unwell(EndpointHealth::Disabled, true, why);
    }
    let failing_for = |for_ms: u64| {
        let is_failing = move |one: &&Message| {
            let is_failed = match one.state {
                MessageState::Waiting => one.attempts >= TRIED,
                // One that ended without a request, such as for a row of a newer daemon, says nothing of the endpoint;
                // one that was not sent since the endpoint is off says that it is still.
                MessageState::Dead => one.attempts >= TRIED || one.error.starts_with(OFF),
                MessageState::Done | MessageState::Void => false,
            };
            is_failed
                && one.created_ms >= last_ms
                && one.created_ms.saturating_add(for_ms) <= now_ms
        };
        let is_long = last_ms.saturating_add(for_ms) <= now_ms;
        all.iter().find(is_failing).filter(|_| is_long)
    };
    if let Some(failing) = failing_for(DAY_MS) {
        let id = &failing.id;
        let why = format!("{OFF}: all attempts since message {id} failed, for a day");
        return unwell(EndpointHealth::Disabled, false, why);
    }
    let failing = failing_for(WARNED_MS)?;
    let why = format!(
        "all attempts since message {} failed, for half a day; after a day the endpoint is off",
        failing.id
    );
    unwell(EndpointHealth::Failing, false, why)
}

/// Returns whether a message was tried, and is not with its endpoint.
fn is_missed(message: &Message) -> bool {
    matches!(message.state, MessageState::Waiting | MessageState::Dead) && message.attempts > 0
}

/// Returns messages of an endpoint: the newest that it has, the newest that it does not have, and the newest of those
/// that are half a day and a day old, however many came since.
///
/// # Errors
/// The store cannot be read.
pub async fn messages_of_endpoint(
    outbox: &dyn Outbox,
    project: &str,
    name: &str,
    now_ms: u64,
) -> Result<Vec<Message>, StoreError> {
    let failed = vec![MessageState::Waiting, MessageState::Dead];
    let mut all = Vec::new();
    for (states, before) in [
        (vec![MessageState::Done], None),
        (failed.clone(), None),
        (failed.clone(), Some(so_old(now_ms, WARNED_MS))),
        (failed, Some(so_old(now_ms, DAY_MS))),
    ] {
        let filter = OutboxFilter {
            project: project.to_owned(),
            states,
            receiver: Some(name.to_owned()),
            before,
            limit: LOOKED_AT,
            ..OutboxFilter::default()
        };
        all.extend(outbox.messages(&filter).await?);
    }
    // A repository may have the same name.
    all.retain(|one| match &one.receiver {
        Receiver::Endpoint { name: own }
        | Receiver::Preview { name: own, .. }
        | Receiver::Notice { name: own, .. } => own == name,
        Receiver::Status { .. }
        | Receiver::Deployment { .. }
        | Receiver::DeploymentEnd { .. }
        | Receiver::Queue { .. } => false,
    });
    Ok(all)
}

/// Returns what is greater than the id of each message that is so old, and of no other: ids are UUIDv7.
fn so_old(now_ms: u64, age_ms: u64) -> String {
    let at = now_ms.saturating_sub(age_ms);
    format!("{:08x}-{:04x}", at >> 16, at & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use MessageState::{Dead, Done, Waiting};
    use windlass_model::outbox::Moment;

    const NOW: u64 = 1_700_100_000_000;
    const HOUR: u64 = 3_600_000;

    /// A message that was stored and tried last so many hours ago.
    fn tried(id: &str, state: MessageState, stored: u64, last: u64) -> Message {
        Message {
            id: id.into(),
            project: "shop".into(),
            receiver: Receiver::Endpoint { name: "chat".into() },
            moment: Moment::Failed,
            job: "j1".into(),
            seq: 1,
            state,
            created_ms: NOW - stored * HOUR,
            attempts: TRIED,
            next_ms: NOW - last * HOUR,
            code: None,
            error: String::new(),
        }
    }

    /// A message that ended without a request so many hours ago. The store counts that as an attempt.
    fn ended(error: &str, hours: u64) -> Message {
        Message { attempts: 1, error: error.into(), ..tried("1", Dead, hours, hours) }
    }

    fn health(all: &[Message]) -> Option<EndpointHealth> {
        endpoint_health(all, NOW).map(|unwell| unwell.health)
    }

    #[test]
    fn half_a_day_of_failures_is_a_warning_and_a_day_is_the_end() {
        let (failing, disabled) = (Some(EndpointHealth::Failing), Some(EndpointHealth::Disabled));
        for (all, expected) in [
            (vec![], None),
            (vec![tried("1", Waiting, 11, 1)], None),
            (vec![tried("1", Waiting, 13, 1)], failing),
            (vec![tried("1", Waiting, 25, 1)], disabled),
            (vec![tried("1", Done, 30, 30), tried("2", Dead, 13, 1)], failing),
            (vec![tried("1", Done, 60, 60), tried("2", Dead, 25, 1)], disabled),
            // One succeeded meanwhile.
            (vec![tried("1", Done, 30, 2), tried("2", Waiting, 20, 1)], None),
            // It failed once, after a replay.
            (vec![Message { attempts: 1, ..tried("1", Waiting, 60, 1) }], None),
            (vec![Message { code: Some(410), ..tried("1", Dead, 1, 1) }], disabled),
            // Nothing was sent: its job, or the project, could not be read then.
            (vec![ended("job j1 is of a newer daemon", 25)], None),
            (vec![ended("the endpoint is off: all attempts failed; replay it", 25)], disabled),
        ] {
            assert_eq!(health(&all), expected, "{all:#?}");
        }
    }

    #[test]
    fn a_silence_is_named_by_the_last_message_before_it_however_many_fail_since() {
        let mut all =
            vec![tried("1", Done, 50, 50), tried("2", Done, 40, 40), tried("3", Waiting, 20, 1)];
        let since = |all: &[Message]| endpoint_health(all, NOW).unwrap().since;
        assert_eq!(since(&all), "2");
        all.push(tried("4", Waiting, 14, 1));
        all.insert(0, tried("5", Dead, 30, 1));
        assert_eq!(since(&all), "2");
        assert_eq!(since(&[tried("3", Waiting, 20, 1)]), "");
    }

    #[test]
    fn a_silence_begins_with_the_last_message_that_was_taken_or_the_first_that_was_not() {
        let since = |all: &[Message]| endpoint_health(all, NOW).unwrap().since_ms;
        let mut all = vec![tried("2", Waiting, 13, 1), tried("1", Dead, 20, 2)];
        assert_eq!(since(&all), NOW - 20 * HOUR);
        all.push(tried("0", Done, 30, 29));
        assert_eq!(since(&all), NOW - 29 * HOUR);
        let gone = Message { code: Some(410), ..tried("1", Dead, 3, 2) };
        assert_eq!(since(&[gone]), NOW - 3 * HOUR);
    }

    #[test]
    fn ids_of_a_day_ago_are_below_the_bound() {
        let bound = so_old(0x018d_dcb9_c680 + DAY_MS, DAY_MS);
        assert_eq!(bound, "018ddcb9-c680");
        assert!("018ddcb9-c67f-7fff-bfff-ffffffffffff" < &*bound);
        assert!("018ddcb9-c680-7000-8000-000000000000" > &*bound);
    }
}
