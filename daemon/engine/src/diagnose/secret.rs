//! Diagnoses of a secret that is missing or cannot be opened.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::error::{ClusterError, SecretError};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let error = match &failure.cause {
        Cause::Secret(error) | Cause::Cluster(ClusterError::Secret(error)) => error,
        Cause::Applying { error, .. } => match &**error {
            ClusterError::Secret(error) => error,
            _ => return None,
        },
        _ => return None,
    };
    let (code, subject, fix) = match error {
        SecretError::Unavailable { .. } => return None,
        SecretError::Missing { project, name, .. } => {
            (Code::SecretMissing, name, format!("put it: windlass secret put {project} {name}"))
        }
        SecretError::TooLarge { app, .. } => (
            Code::SecretsTooLarge,
            app,
            "name fewer secrets in `[secrets]` and `[build] secrets`, delete those that no app needs, and keep in the image what is no secret, such as public certificates".to_owned(),
        ),
        SecretError::Sealed { project, name, .. } => (
            Code::SecretSealed,
            name,
            format!(
                "give the daemon the key file it was sealed with, or put the secret again: windlass secret put {project} {name}"
            ),
        ),
    };
    Some(Diagnosis {
        code: code.into(),
        subject: subject.clone(),
        what: error.to_string(),
        fixes: vec![fix],
        ..Diagnosis::default()
    })
}
