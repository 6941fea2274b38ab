//! Errors as google.rpc details: a stable code, the field, the fix.

use crate::apps::Unseen;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use windlass_engine::{failure::Failure, records::StoreError};
use windlass_model::{app::NameError, spec::SpecError};

/// The domain of our codes.
const DOMAIN: &str = "windlass";

fn status(code: Code, reason: &str, message: impl Into<String>, fix: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, std::collections::HashMap::<String, String>::new());
    if !fix.is_empty() {
        details.add_help_link(fix, "");
    }
    Status::with_error_details(code, message, details)
}

/// A field that is wrong; `problem` says what is expected.
pub(crate) fn field(name: &str, value: &str, problem: &str) -> Status {
    let message = format!("{name}: `{value}` {problem}");
    let mut details = ErrorDetails::new();
    details.set_error_info("field-invalid", DOMAIN, [("field".to_owned(), name.to_owned())]);
    details.add_bad_request_violation(name, problem);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

pub(crate) fn name(error: NameError) -> Status {
    field(&error.field, &error.value, &error.problem)
}

pub(crate) fn spec(error: SpecError) -> Status {
    field(&format!("spec.{}", error.field), &error.value, &error.problem)
}

pub(crate) fn missing(what: &str, id: &str, fix: &str) -> Status {
    status(Code::NotFound, "not-found", format!("there is no {what} `{id}`"), fix)
}

pub(crate) fn denied(message: String) -> Status {
    status(
        Code::PermissionDenied,
        "permission-denied",
        message,
        "ask the operator for this right under `[[principals]]`",
    )
}

pub(crate) fn unauthenticated(message: &str) -> Status {
    status(
        Code::Unauthenticated,
        "unauthenticated",
        message,
        "send `authorization: Bearer TOKEN`: `windlass --token-file`, or WINDLASS_TOKEN",
    )
}

pub(crate) fn precondition(reason: &str, message: String, fix: &str) -> Status {
    status(Code::FailedPrecondition, reason, message, fix)
}

pub(crate) fn store(error: StoreError) -> Status {
    let message = error.to_string();
    match error {
        StoreError::Full(_) => status(
            Code::ResourceExhausted,
            "store-full",
            message,
            "free disk space under the daemon's `data` folder; then send the request again",
        ),
        StoreError::RequestReused(id) => {
            field("request_id", &id, "was used for another request; choose a new one")
        }
        StoreError::Held(_) | StoreError::Unreadable { .. } | StoreError::Other(_) => {
            tracing::error!(%message, "store");
            status(Code::Unavailable, "store-failed", message, "see the daemon's log")
        }
    }
}

pub(crate) fn unseen(unseen: Unseen) -> Status {
    match unseen {
        Unseen::Store(error) => store(error),
        Unseen::Failed(failed) => failure(&failed),
        Unseen::Busy(readers) => status(
            Code::ResourceExhausted,
            "too-many-readers",
            format!("{readers} calls read logs of apps already, and no more may at once"),
            "end one of them, or try again later",
        ),
    }
}

pub(crate) fn failure(failure: &Failure) -> Status {
    let diagnosis = windlass_engine::diagnose::diagnose(failure);
    let mut details = ErrorDetails::new();
    let metadata = [("stage".to_owned(), diagnosis.stage.to_string())];
    details.set_error_info(&diagnosis.code, DOMAIN, metadata);
    for fix in &diagnosis.fixes {
        details.add_help_link(fix, "");
    }
    let what = diagnosis.what;
    let why = diagnosis.why;
    let message =
        if why.is_empty() || what.contains(&why) { what } else { format!("{what}: {why}") };
    Status::with_error_details(Code::FailedPrecondition, message, details)
}
