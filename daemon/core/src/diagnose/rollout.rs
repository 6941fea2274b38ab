//! A rollout that is hopeless, or an object that the API server does not take: the words are those
//! of the problem that it is.

use super::Diagnosis;
use crate::{
    failure::{Cause, Failure},
    job::Release,
    ports::ClusterError,
    problem::{self, Case, Problem},
    rollout::Finding,
};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    match &failure.cause {
        Cause::Rollout { finding, release, evidence } => {
            Some(in_words(finding, release, evidence.clone()))
        }
        Cause::Applying { error, release } => {
            let problem = problem::of_answer(error)?;
            Some(in_words(&of_answer(problem, error), release, Vec::new()))
        }
        _ => None,
    }
}

/// Subject and cause of an answer are the API server's own.
fn of_answer(problem: &'static Problem, error: &ClusterError) -> Finding {
    let (subject, message) = match error {
        ClusterError::Forbidden { object, message }
        | ClusterError::Rejected { object, message }
        | ClusterError::Conflict { object, message }
        | ClusterError::NoKind { object, message } => (object.clone(), message.clone()),
        other => ("the API server".to_owned(), other.to_string()),
    };
    Finding { problem, subject, process: String::new(), message, exit: None }
}

/// The diagnosis of a finding.
#[must_use]
pub fn in_words(finding: &Finding, release: &Release, evidence: Vec<String>) -> Diagnosis {
    let words = (finding.problem.explain)(&Case { finding, release });
    let look = || {
        let (namespace, app) = (release.app.namespace(), &release.app.name);
        format!(
            "kubectl --namespace {namespace} describe pods --selector app.kubernetes.io/instance={app}"
        )
    };
    Diagnosis {
        code: finding.problem.code.into(),
        reference: finding.problem.reference(),
        subject: finding.subject.clone(),
        what: words.what,
        why: finding.message.trim().to_owned(),
        fixes: words.fixes,
        command: Some(words.command.unwrap_or_else(look)),
        evidence,
        ..Diagnosis::default()
    }
}
