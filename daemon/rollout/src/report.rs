//! Turns findings into diagnoses.

use crate::problem::{Case, Finding, of_answer};
use windlass_model::{diagnosis::Diagnosis, error::ClusterError, job::Release};

/// Returns the finding that an answer of the API server is. `None` means that no problem is known for it.
#[must_use]
pub fn of_error(error: &ClusterError) -> Option<Finding> {
    let problem = of_answer(error)?;
    let (subject, message) = match error {
        ClusterError::Forbidden { object, message }
        | ClusterError::Rejected { object, message }
        | ClusterError::NotDeleted { object, message }
        | ClusterError::Conflict { object, message }
        | ClusterError::NoKind { object, message } => (object.clone(), message.clone()),
        other => ("the API server".to_owned(), other.to_string()),
    };
    Some(Finding { problem, subject, process: String::new(), message, exit: None })
}

/// Returns the diagnosis of a finding.
#[must_use]
pub fn report(finding: &Finding, release: &Release, evidence: Vec<String>) -> Diagnosis {
    let explanation = (finding.problem.explain)(&Case { finding, release });
    let describe = || {
        let namespace = release.app.namespace();
        let app = &release.app.name;
        format!(
            "kubectl --namespace {namespace} describe pods --selector app.kubernetes.io/instance={app}"
        )
    };
    Diagnosis {
        code: finding.problem.code.into(),
        reference: finding.problem.reference(),
        subject: finding.subject.clone(),
        what: explanation.what,
        why: finding.message.trim().to_owned(),
        fixes: explanation.fixes,
        command: Some(explanation.command.unwrap_or_else(describe)),
        evidence,
        ..Diagnosis::default()
    }
}
