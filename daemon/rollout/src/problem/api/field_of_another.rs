//! Somebody else owns the object or its field (WL-K8S-047).

use crate::problem::{Debounce, Explanation, Problem, unseen};
use windlass_model::error::ClusterError;

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 47,
    code: "object-of-another",
    title: "Somebody else owns the object or its field",
    symptom: "an object of that name is there and is not of this app, or the API server answers 409 with fields and their managers",
    debounce: Debounce::Now,
    symptoms: unseen,
    matches_error: |error| matches!(error, ClusterError::Conflict { .. }),
    explain: |case| {
        let hand_over = format!(
            "to hand it over: label it `app.kubernetes.io/managed-by=windlass` and `app.kubernetes.io/instance={}`; Windlass then takes its fields",
            case.app()
        );
        Explanation::new(
            format!("{} belongs to somebody else, and is left as it is", case.finding.subject),
            ["rename the app or its process, or remove the object that is in its way", &hand_over],
        )
        .look(format!(
            "kubectl --namespace {} get {} --show-managed-fields -o yaml",
            case.namespace(),
            case.finding.subject.to_lowercase().replacen(' ', "/", 1)
        ))
    },
};
