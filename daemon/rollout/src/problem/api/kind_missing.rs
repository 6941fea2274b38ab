//! The cluster does not know this kind of object (WL-K8S-049).

use crate::problem::{Debounce, Explanation, Problem, unseen};
use windlass_model::error::ClusterError;

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 49,
    code: "kind-missing",
    title: "The cluster does not know this kind of object",
    symptom: "discovery does not list the kind, or the API server answers 404 for it",
    debounce: Debounce::Now,
    symptoms: unseen,
    matches_error: |error| matches!(error, ClusterError::NoKind { .. }),
    explain: |case| {
        Explanation::new(
        format!("this cluster does not know {}", case.finding.subject),
        [
            "HTTPRoute: ask the cluster's owner to install the Gateway API, or use `expose.ingress-class` instead of `expose.gateway`",
            "a kind of your own manifests: install its CustomResourceDefinition first",
        ],
    )
    .look("kubectl api-resources".to_owned())
    },
};
