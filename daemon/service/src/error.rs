//! Errors of use cases: a stable code for machines, a message for people, and what to do.

use crate::verb::Verb;
use thiserror::Error;
use windlass_engine::ports::store::StoreError;
use windlass_model::{app::NameError, diagnosis::Diagnosis, spec::SpecError};

/// Advice for a caller without a right.
pub const ASK_FOR_RIGHT: &str = "ask the operator for this right under `[[principals]]`";

/// Error of a use case.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// A field of the request is wrong: the same request fails again.
    #[error("{field}: `{value}` {expected}")]
    Invalid {
        /// Path of the field, as in the request.
        field: String,
        /// Value as it may be shown.
        value: String,
        /// Rule that the value breaks, with what is expected.
        expected: String,
    },
    /// The request names something that is not there.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// Kind of the thing: `job`, `release`, `secret`.
        what: &'static str,
        /// Name or id of the request.
        id: String,
        /// Command that lists those that are there.
        fix: String,
    },
    /// The caller lacks a right in a project.
    #[error("{caller} lacks the verb \"{verb}\" in project `{project}`")]
    Forbidden {
        /// Name of the caller.
        caller: String,
        /// Right that is missing.
        verb: Verb,
        project: String,
    },
    /// The caller has rights in some projects only, and the request belongs to none.
    #[error("{caller} is no operator of all projects")]
    NotOperator {
        /// Name of the caller.
        caller: String,
    },
    /// The request is valid, and the current state forbids it.
    #[error("{message}")]
    Conflict {
        /// Stable code, such as `no-earlier-release`.
        reason: &'static str,
        message: String,
        /// Advice to the caller.
        fix: String,
    },
    /// Too many calls read logs of apps.
    #[error("{readers} calls read logs of apps already, and no more may at once")]
    Busy {
        /// Number of calls that may read logs at once.
        readers: usize,
    },
    /// A limit is reached: the same request may succeed later.
    #[error("{message}")]
    Exhausted {
        /// Stable code, such as `too-many-jobs`.
        reason: &'static str,
        message: String,
        /// Advice to the caller.
        fix: String,
    },
    /// The work of a request took too long, and was ended.
    #[error("{message}")]
    Late {
        message: String,
        /// Advice to the caller.
        fix: String,
    },
    /// The store has no room.
    #[error(transparent)]
    Full(StoreError),
    /// The store failed.
    #[error(transparent)]
    Unavailable(StoreError),
    /// The broker of the queue does not answer, or does not do what is asked.
    #[error("{0}")]
    Broker(String),
    /// A stage of the pipeline failed, or a cluster did.
    #[error("{}", headline(.0))]
    Failed(Box<Diagnosis>),
}

impl ServiceError {
    /// Returns an error about a field of a request.
    pub(crate) fn invalid(
        field: impl Into<String>,
        value: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Invalid { field: field.into(), value: value.into(), expected: expected.into() }
    }

    /// Returns a stable code for machines, such as `field-invalid`. For a failure it is the diagnosis's code.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Invalid { .. } => "field-invalid",
            Self::NotFound { .. } => "not-found",
            Self::Forbidden { .. } | Self::NotOperator { .. } => "permission-denied",
            Self::Conflict { reason, .. } | Self::Exhausted { reason, .. } => reason,
            Self::Late { .. } => "plan-timed-out",
            Self::Busy { .. } => "too-many-readers",
            Self::Full(_) => "store-full",
            Self::Unavailable(_) => "store-failed",
            Self::Broker(_) => "broker-failed",
            Self::Failed(diagnosis) => &diagnosis.code,
        }
    }

    /// Returns what to do about the error, the best first. Empty means that the message has it.
    #[must_use]
    pub fn fixes(&self) -> Vec<String> {
        let fix: &str = match self {
            Self::Invalid { .. } => return Vec::new(),
            Self::Failed(diagnosis) => return diagnosis.fixes.clone(),
            Self::NotFound { fix, .. }
            | Self::Conflict { fix, .. }
            | Self::Exhausted { fix, .. }
            | Self::Late { fix, .. } => fix,
            Self::Forbidden { .. } | Self::NotOperator { .. } => ASK_FOR_RIGHT,
            Self::Busy { .. } => "end one of them, or try again later",
            Self::Full(_) => {
                "free disk space under the daemon's `data` folder; then send the request again"
            }
            Self::Unavailable(_) => "see the daemon's log",
            Self::Broker(_) => {
                "see the broker, and `windlassd check`; then send the request again: what was done stays done"
            }
        };
        vec![fix.to_owned()]
    }
}

/// Returns a diagnosis in one line.
fn headline(diagnosis: &Diagnosis) -> String {
    let (what, why) = (&diagnosis.what, &diagnosis.why);
    if why.is_empty() || what.contains(&**why) { what.clone() } else { format!("{what}: {why}") }
}

impl From<NameError> for ServiceError {
    fn from(error: NameError) -> Self {
        Self::invalid(error.field, error.value, error.problem)
    }
}

impl From<SpecError> for ServiceError {
    fn from(error: SpecError) -> Self {
        Self::invalid(format!("spec.{}", error.field), error.value, error.problem)
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(_) => Self::Full(error),
            StoreError::RequestReused(id) => {
                Self::invalid("request_id", id, "was used for another request; choose a new one")
            }
            StoreError::Held(_)
            | StoreError::Busy(_)
            | StoreError::Newer { .. }
            | StoreError::Unreadable { .. }
            | StoreError::TooNew { .. }
            | StoreError::Fenced { .. }
            | StoreError::Ended(_)
            | StoreError::Other(_) => Self::Unavailable(error),
        }
    }
}

impl From<Box<Diagnosis>> for ServiceError {
    fn from(diagnosis: Box<Diagnosis>) -> Self {
        Self::Failed(diagnosis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_engine::{
        diagnose::diagnose,
        failure::{Cause, Failure},
    };
    use windlass_model::{error::GitError, job::Stage};

    #[test]
    fn an_error_of_the_store_says_who_can_do_what() {
        let reused = ServiceError::from(StoreError::RequestReused("one".into()));
        let message = "request_id: `one` was used for another request; choose a new one";
        assert_eq!((reused.reason(), &*reused.to_string()), ("field-invalid", message));
        let full = ServiceError::from(StoreError::Full("no room".into()));
        assert_eq!((full.reason(), full.fixes().len()), ("store-full", 1));
        assert_eq!(full.to_string(), "the store's disk is full: no room");
        let other = ServiceError::from(StoreError::Other("odd".into()));
        assert_eq!((other.reason(), &*other.fixes()[0]), ("store-failed", "see the daemon's log"));
    }

    #[test]
    fn a_failure_is_shown_as_its_diagnosis() {
        let repository = "https://git.example/web".to_owned();
        let cause = Cause::Git(GitError::NoRepository { repository });
        let diagnosis = diagnose(&Failure { at: Stage::Clone, cause });
        let error = ServiceError::from(Box::new(diagnosis));
        assert_eq!(error.reason(), "repository-not-found");
        assert_eq!(error.fixes(), ["check the repository's URL"]);
    }
}
