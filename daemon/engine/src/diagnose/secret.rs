//! Diagnoses of a secret that is missing or cannot be opened.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::error::{ClusterError, SecretError};
use windlass_model::own::cluster::KUBECONFIG_OF;

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
        SecretError::Sealed { project, name, .. } => {
            let again = match name.strip_prefix(KUBECONFIG_OF) {
                Some(cluster) => {
                    format!("it: windlass cluster put {project} {cluster} --kubeconfig FILE")
                }
                None => format!("the secret again: windlass secret put {project} {name}"),
            };
            let fix = format!("give the daemon the key file it was sealed with, or put {again}");
            (Code::SecretSealed, name, fix)
        }
    };
    Some(Diagnosis {
        code: code.into(),
        subject: subject.clone(),
        what: error.to_string(),
        fixes: vec![fix],
        ..Diagnosis::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::job::Stage;

    #[test]
    fn what_does_not_open_is_put_again_by_its_own_command() {
        for (name, command) in [
            ("TOKEN", "windlass secret put shop TOKEN"),
            ("the kubeconfig of cluster us", "windlass cluster put shop us --kubeconfig FILE"),
        ] {
            let (project, name) = ("shop".into(), name.into());
            let error = SecretError::Sealed { project, name, message: "another key".into() };
            let failure = Failure { at: Stage::Release, cause: Cause::Secret(error) };
            let fixes = known(&failure).unwrap().fixes;
            assert!(fixes[0].ends_with(command), "{fixes:?}");
        }
    }
}
