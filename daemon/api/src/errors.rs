//! Errors as google.rpc details: a stable code, the field, the fix.

use std::collections::HashMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use windlass_listen::Refused;
use windlass_model::spec::SpecError;
use windlass_service::{ASK_FOR_RIGHT, ServiceError};

/// `domain` of each `ErrorInfo`.
const DOMAIN: &str = "windlass";

/// Number of faults of a file that one error names. An error travels in trailers, which clients bound.
const MOST_FAULTS: usize = 8;

/// Bytes of the longest field or sentence in such an error: keys are of the caller's choice.
const LONGEST_QUOTE: usize = 240;

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

/// Returns the status for a file with faults: a line and a violation for each, and the number of those that are left
/// out.
pub(crate) fn faults(faults: &[SpecError]) -> Status {
    let shown = || faults.iter().take(MOST_FAULTS);
    let first = shown().next().map(|fault| cut(&fault.field)).unwrap_or_default();
    let mut details = ErrorDetails::new();
    details.set_error_info("field-invalid", DOMAIN, [("field".to_owned(), first)]);
    for fault in shown() {
        details.add_bad_request_violation(cut(&fault.field), cut(&fault.problem));
    }
    let mut lines: Vec<_> = shown().map(|fault| cut(&fault.to_string())).collect();
    if faults.len() > MOST_FAULTS {
        lines.push(format!("and {} more", faults.len() - MOST_FAULTS));
    }
    Status::with_error_details(Code::InvalidArgument, lines.join("\n"), details)
}

/// Returns the beginning of a text that an error quotes.
fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST_QUOTE)).unwrap_or_default().to_owned()
}

/// Returns the status for a caller who is refused at the door, or whose stream ends.
pub(crate) fn refused(refused: &Refused) -> Status {
    let (code, reason, fix) = match refused {
        Refused::Denied(_) => (Code::PermissionDenied, "permission-denied", ASK_FOR_RIGHT),
        Refused::Unauthenticated(_) => (
            Code::Unauthenticated,
            "unauthenticated",
            "send `authorization: Bearer TOKEN`: `windlass --token-file`, or WINDLASS_TOKEN",
        ),
        Refused::RightsChanged => (Code::Unavailable, "rights-changed", "send the request again"),
    };
    status(code, reason, &refused.to_string(), fix)
}

/// Returns the status for a call that has taken its time.
pub(crate) fn late(seconds: u64) -> Status {
    let message = format!("the call was not answered within {seconds} s");
    let fix = "see the daemon's log; the operator sets the limit by `listen.request-seconds`";
    status(Code::DeadlineExceeded, "call-timed-out", &message, fix)
}

/// Returns the path of the first field that an error is about. Empty means that it is about none.
pub(crate) fn field_of(status: &Status) -> String {
    let details = status.get_error_details();
    let violation = details.bad_request().and_then(|wrong| wrong.field_violations.first());
    violation.map(|violation| violation.field.clone()).unwrap_or_default()
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
        ServiceError::Broker(_) => Code::Unavailable,
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
    fn each_fault_of_a_file_is_a_violation_and_a_line() {
        let fault = |field: &str, problem: &str| SpecError {
            field: field.into(),
            value: "x".into(),
            problem: problem.into(),
        };
        let status = faults(&[fault("triggers.a.app", "is no app"), fault("apps.b", "is odd")]);
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "triggers.a.app: `x` is no app\napps.b: `x` is odd");
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        let fields: Vec<_> = violations.iter().map(|one| &*one.field).collect();
        assert_eq!(fields, ["triggers.a.app", "apps.b"]);
    }

    #[test]
    fn a_file_of_faults_alone_fits_into_trailers() {
        let field = "é".repeat(10_000);
        let fault = SpecError { field, value: "x".into(), problem: "is odd".into() };
        let status = faults(&vec![fault; 1_000]);
        assert!(status.message().ends_with("\nand 992 more"), "{status}");
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations.len(), 8);
        // Percent-encoded, and in base64: most clients take 16 KiB.
        assert!(status.message().len() * 3 + status.details().len() * 4 / 3 < 16 << 10);
    }

    #[test]
    fn a_refusal_has_a_code_by_which_clients_decide() {
        for (refused, code, reason) in [
            (Refused::Unauthenticated("no token"), Code::Unauthenticated, "unauthenticated"),
            (Refused::Denied("user 7".into()), Code::PermissionDenied, "permission-denied"),
            (Refused::RightsChanged, Code::Unavailable, "rights-changed"),
        ] {
            let status = super::refused(&refused);
            assert_eq!((status.code(), status.message()), (code, &*refused.to_string()));
            let details = status.get_error_details();
            assert_eq!(details.error_info().map(|info| &*info.reason), Some(reason));
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
