//! The namespace is being deleted (WL-K8S-050).

use crate::problem::{Debounce, Explanation, Problem, unseen};
use windlass_model::error::{ClusterError, NotYet};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 50,
    code: "namespace-terminating",
    title: "The namespace is being deleted",
    symptom: "the API server answers that the namespace is being terminated, or shows it with a time of deletion; or it went while its pods came up",
    debounce: Debounce::Likely(60),
    symptoms: unseen,
    matches_error: |error| matches!(error, ClusterError::NotYet { why: NotYet::Terminating, .. }),
    explain: |case| {
        Explanation::new(
            format!("namespace {} is being deleted", case.namespace()),
            [
                "wait until it is deleted, then submit again; Windlass creates it again",
                "if it stays, something in it cannot be deleted: its conditions name what",
            ],
        )
        .look(format!("kubectl get namespace {} -o yaml", case.namespace()))
    },
};
