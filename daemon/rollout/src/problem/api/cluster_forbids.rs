//! The daemon's account lacks a right (WL-K8S-046).

use crate::problem::{Debounce, Explanation, Problem, unseen};
use windlass_model::error::ClusterError;

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 46,
    code: "cluster-forbids",
    title: "The daemon's account lacks a right",
    symptom: "the API server answers 403",
    debounce: Debounce::Now,
    symptoms: unseen,
    matches_error: |error| matches!(error, ClusterError::Forbidden { .. }),
    explain: |case| {
        Explanation::new(
            "the cluster does not let the daemon do this",
            [
                "apply the rule that is shown above, as an admin of the namespace",
                "`deploy/rbac/` has all the rights that Windlass needs",
            ],
        )
        .look(format!("kubectl auth can-i --list --namespace {}", case.namespace()))
    },
};
