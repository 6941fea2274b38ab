//! Patience: errors that are waited out, and the state of the journal as messages see it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use windlass_engine::ports::store::StoreError;
use windlass_service::ServiceError;

/// Time for which a repository that does not answer is waited for. Its message is refused then.
const REPOSITORY: Duration = Duration::from_secs(600);

/// Codes of failures that pass by themselves: the repository does not answer.
const PASSING: [&str; 1] = ["repository-unreachable"];

/// Time for which the journal may be away before the consumer rests.
const REST_AFTER: Duration = Duration::from_secs(30);

/// Reaction to an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// The journal is away: try again, and let the consumer rest.
    Journal,
    /// A limit is reached, or somebody else's part is away: try again.
    Hold,
    /// The same message fails again.
    End,
}

/// Returns what to do about an error of a message that has been tried for some time.
pub(crate) fn patience(error: &ServiceError, tried: Duration) -> Patience {
    match error {
        // One row cannot be read, such as a project of a newer daemon: the journal is there for all other messages.
        ServiceError::Unavailable(StoreError::Unreadable { .. } | StoreError::TooNew { .. }) => {
            Patience::Hold
        }
        ServiceError::Unavailable(_) | ServiceError::Full(_) => Patience::Journal,
        ServiceError::Exhausted { .. } | ServiceError::Busy { .. } => Patience::Hold,
        ServiceError::Late { .. } if tried < REPOSITORY => Patience::Hold,
        ServiceError::Failed(diagnosis)
            if PASSING.contains(&&*diagnosis.code) && tried < REPOSITORY =>
        {
            Patience::Hold
        }
        _ => Patience::End,
    }
}

/// State of the journal, as the messages that are at work see it.
#[derive(Default)]
pub(crate) struct JournalHealth(Mutex<Option<Instant>>);

impl JournalHealth {
    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the journal has failed.
    pub(crate) fn fails(&self) {
        self.since().get_or_insert_with(Instant::now);
    }

    /// Notes that the journal has answered.
    pub(crate) fn works(&self) {
        *self.since() = None;
    }

    /// Returns whether the journal answers, as far as is known.
    pub(crate) fn is_there(&self) -> bool {
        self.since().is_none()
    }

    /// Returns whether the journal has been away for so long that no more messages are taken.
    pub(crate) fn wants_rest(&self) -> bool {
        self.since().is_some_and(|since| since.elapsed() >= REST_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::diagnosis::Diagnosis;

    #[test]
    fn what_passes_is_waited_for_and_what_does_not_ends() {
        let failed = |code: &str| {
            ServiceError::Failed(Box::new(Diagnosis { code: code.into(), ..Diagnosis::default() }))
        };
        let (message, fix) = (String::new(), String::new());
        let late = ServiceError::Late { message: message.clone(), fix: fix.clone() };
        let newer = StoreError::TooNew { what: "project shop".into(), version: 9, known: 1 };
        let exhausted = ServiceError::Exhausted { reason: "too-many-jobs", message, fix };
        let soon = Duration::ZERO;
        for (error, tried, expected) in [
            (StoreError::Other("odd".into()).into(), REPOSITORY, Patience::Journal),
            (StoreError::Full("no room".into()).into(), REPOSITORY, Patience::Journal),
            (exhausted, REPOSITORY, Patience::Hold),
            (newer.into(), REPOSITORY, Patience::Hold),
            (failed("repository-unreachable"), soon, Patience::Hold),
            (failed("repository-unreachable"), REPOSITORY, Patience::End),
            (failed("revision-not-found"), soon, Patience::End),
            (late, soon, Patience::Hold),
            (StoreError::RequestReused("one".into()).into(), soon, Patience::End),
        ] {
            assert_eq!(patience(&error, tried), expected, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_consumer_rests_after_half_a_minute() {
        let health = JournalHealth::default();
        health.fails();
        tokio::time::advance(REST_AFTER / 2).await;
        health.fails();
        assert!(!health.is_there() && !health.wants_rest());
        tokio::time::advance(REST_AFTER / 2).await;
        assert!(health.wants_rest());
        health.works();
        assert!(health.is_there() && !health.wants_rest());
    }
}
