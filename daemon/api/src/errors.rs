//! Errors as google.rpc details: a stable code, the field, the fix.

use std::collections::HashMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use windlass_service::{ASK_FOR_RIGHT, ServiceError};

/// `domain` of each `ErrorInfo`.
const DOMAIN: &str = "windlass";

fn status(code: Code, reason: &str, message: &str, fix: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, HashMap::<String, String>::new());
    details.add_help_link(fix, "");
    Status::with_error_details(code, message, details)
}

/// Returns the status for a wrong field. `problem` says what is expected.
pub(crate) fn field(name: &str, value: &str, problem: &str) -> Status {
    let message = format!("{name}: `{value}` {problem}");
    let mut details = ErrorDetails::new();
    details.set_error_info("field-invalid", DOMAIN, [("field".to_owned(), name.to_owned())]);
    details.add_bad_request_violation(name, problem);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

pub(crate) fn denied(message: &str) -> Status {
    status(Code::PermissionDenied, "permission-denied", message, ASK_FOR_RIGHT)
}

pub(crate) fn unauthenticated(message: &str) -> Status {
    status(
        Code::Unauthenticated,
        "unauthenticated",
        message,
        "send `authorization: Bearer TOKEN`: `windlass --token-file`, or WINDLASS_TOKEN",
    )
}

/// Returns the status for a stream whose caller has other rights by now.
pub(crate) fn rights_changed() -> Status {
    let message = "the operator has changed the rights of this login";
    status(Code::Unavailable, "rights-changed", message, "send the request again")
}

/// Returns the status for a call that has taken its time.
pub(crate) fn late(seconds: u64) -> Status {
    let message = format!("the call was not answered within {seconds} s");
    let fix = "see the daemon's log; the operator sets the limit by `listen.request-seconds`";
    status(Code::DeadlineExceeded, "call-timed-out", &message, fix)
}

/// Returns the status for an error of a use case.
pub(crate) fn service(error: impl Into<ServiceError>) -> Status {
    let error = error.into();
    let mut metadata = HashMap::new();
    let code = match &error {
        ServiceError::Invalid { field: name, value, expected } => {
            return field(name, value, expected);
        }
        ServiceError::NotFound { .. } => Code::NotFound,
        ServiceError::Forbidden { .. } | ServiceError::NotOperator { .. } => Code::PermissionDenied,
        ServiceError::Conflict { .. } => Code::FailedPrecondition,
        ServiceError::Busy { .. } | ServiceError::Exhausted { .. } | ServiceError::Full(_) => {
            Code::ResourceExhausted
        }
        ServiceError::Late { .. } => Code::DeadlineExceeded,
        ServiceError::Unavailable(message) => {
            tracing::error!(%message, "store");
            Code::Unavailable
        }
        ServiceError::Failed(diagnosis) => {
            metadata.insert("stage".to_owned(), diagnosis.stage.to_string());
            Code::FailedPrecondition
        }
    };
    let mut details = ErrorDetails::new();
    details.set_error_info(error.reason(), DOMAIN, metadata);
    for fix in error.fixes() {
        details.add_help_link(fix, "");
    }
    Status::with_error_details(code, error.to_string(), details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_engine::ports::store::StoreError;
    use windlass_service::Verb;

    #[test]
    fn an_error_of_a_use_case_has_its_code_its_reason_and_its_fixes() {
        let (what, id, fix) = ("job", "one".to_owned(), "list them".to_owned());
        let (caller, project) = ("ci".to_owned(), "shop".to_owned());
        let full = StoreError::Full("no room".into());
        let odd = StoreError::Other("odd".into());
        for (error, code, reason, fixes) in [
            (ServiceError::NotFound { what, id, fix }, Code::NotFound, "not-found", 1),
            (
                ServiceError::Forbidden { caller, verb: Verb::Read, project },
                Code::PermissionDenied,
                "permission-denied",
                1,
            ),
            (ServiceError::Busy { readers: 2 }, Code::ResourceExhausted, "too-many-readers", 1),
            (
                ServiceError::Exhausted {
                    reason: "too-many-jobs",
                    message: "too many".into(),
                    fix: "wait".into(),
                },
                Code::ResourceExhausted,
                "too-many-jobs",
                1,
            ),
            (
                ServiceError::Late { message: "late".into(), fix: "wait".into() },
                Code::DeadlineExceeded,
                "plan-timed-out",
                1,
            ),
            (full.into(), Code::ResourceExhausted, "store-full", 1),
            (odd.into(), Code::Unavailable, "store-failed", 1),
            (ServiceError::Failed(Box::default()), Code::FailedPrecondition, "unrecognised", 0),
        ] {
            let message = error.to_string();
            let status = service(error);
            assert_eq!((status.code(), status.message()), (code, &*message));
            let details = status.get_error_details();
            assert_eq!(details.error_info().map(|info| &*info.reason), Some(reason));
            assert_eq!(details.help().map_or(0, |help| help.links.len()), fixes, "{message}");
        }
    }

    #[test]
    fn a_wrong_field_is_a_violation() {
        let error = StoreError::RequestReused("one".into());
        let status = service(error);
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "request_id");
        assert_eq!(violations[0].description, "was used for another request; choose a new one");
    }
}
