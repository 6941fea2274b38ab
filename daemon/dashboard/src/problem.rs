//! Errors as JSON: a stable code, a message for people, and what to do.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::time::Duration;
use windlass_listen::Refused;
use windlass_service::{ASK_FOR_RIGHT, ServiceError};

/// Error of a request.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    body: Body,
    /// Time after which the same request may be answered. `None` means that time changes nothing.
    wait: Option<Duration>,
}

#[derive(Debug, Serialize)]
struct Body {
    /// Stable code: `not-found`, `permission-denied`.
    reason: String,
    message: String,
    fixes: Vec<String>,
    /// Path of the wrong field. `None` means that no field is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, reason: &str, message: String) -> Self {
        let body = Body { reason: reason.into(), message, fixes: Vec::new(), field: None };
        Self { status, body, wait: None }
    }

    pub(crate) fn with_fix(mut self, fix: &str) -> Self {
        self.body.fixes.push(fix.into());
        self
    }

    pub(crate) fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// Returns the error of a request without a login.
    pub(crate) fn unauthenticated(message: String) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
            .with_fix("log in with a token of the operator's")
    }

    /// Returns the error of a field whose value cannot be read.
    pub(crate) fn field(name: &str, value: &str, expected: &str) -> Self {
        let (field, value) = (name.to_owned(), value.chars().take(80).collect());
        ServiceError::Invalid { field, value, expected: expected.into() }.into()
    }

    /// Returns the code.
    pub(crate) fn reason(&self) -> &str {
        &self.body.reason
    }

    /// Returns the message for people.
    pub(crate) fn message(&self) -> &str {
        &self.body.message
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let status = match &error {
            ServiceError::Invalid { .. } => StatusCode::BAD_REQUEST,
            ServiceError::NotFound { .. } => StatusCode::NOT_FOUND,
            ServiceError::Forbidden { .. } | ServiceError::NotOperator { .. } => {
                StatusCode::FORBIDDEN
            }
            ServiceError::Conflict { .. } => StatusCode::CONFLICT,
            ServiceError::Busy { .. } | ServiceError::Exhausted { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            ServiceError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            ServiceError::Late { .. } => StatusCode::GATEWAY_TIMEOUT,
            ServiceError::Unavailable(message) => {
                tracing::error!(%message, "store");
                StatusCode::SERVICE_UNAVAILABLE
            }
            ServiceError::Broker(_) => StatusCode::BAD_GATEWAY,
            ServiceError::Failed(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let field = match &error {
            ServiceError::Invalid { field, .. } => Some(field.clone()),
            _ => None,
        };
        let (reason, message) = (error.reason().to_owned(), error.to_string());
        Self { status, body: Body { reason, message, fixes: error.fixes(), field }, wait: None }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unauthenticated(message) => Self::unauthenticated(message.into()),
            Refused::Denied(message) => {
                Self::new(StatusCode::FORBIDDEN, "permission-denied", message)
                    .with_fix(ASK_FOR_RIGHT)
            }
            Refused::RightsChanged => Self::new(
                StatusCode::UNAUTHORIZED,
                "rights-changed",
                "the operator has changed the rights of this login".into(),
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Wrapped {
            error: Body,
        }
        let mut response = (self.status, Json(Wrapped { error: self.body })).into_response();
        if let Some(wait) = self.wait {
            let seconds = HeaderValue::from(wait.as_secs().saturating_add(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_service::Verb;

    #[test]
    fn an_error_of_a_use_case_keeps_its_code_and_its_fixes() {
        let (caller, project) = ("ci".to_owned(), "shop".to_owned());
        for (error, status, reason) in [
            (
                ServiceError::NotFound { what: "job", id: "1".into(), fix: "list".into() },
                StatusCode::NOT_FOUND,
                "not-found",
            ),
            (
                ServiceError::Forbidden { caller, verb: Verb::Deploy, project },
                StatusCode::FORBIDDEN,
                "permission-denied",
            ),
            (
                ServiceError::Conflict {
                    reason: "serves-another",
                    message: "now X serves".into(),
                    fix: "look".into(),
                },
                StatusCode::CONFLICT,
                "serves-another",
            ),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.status, problem.reason()), (status, reason));
            assert_eq!(problem.body.fixes.len(), 1);
        }
        let problem = Problem::field("limit", "x", "must be a number");
        assert_eq!(problem.body.field.as_deref(), Some("limit"));
        assert_eq!(problem.message(), "limit: `x` must be a number");
    }
}
