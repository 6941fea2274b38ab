//! The daemon's account lacks a right (kubernetes 46).

use super::{Patience, Problem, Words, unseen};
use crate::ports::ClusterError;

pub(super) const PROBLEM: &Problem = &Problem {
    number: 46,
    code: "cluster-forbids",
    title: "The daemon's account lacks a right",
    seen: "the API server answers 403",
    patience: Patience::Now,
    signs: unseen,
    answers: |error| matches!(error, ClusterError::Forbidden { .. }),
    words: |case| {
        Words::new(
            "the cluster does not let the daemon do this",
            [
                "apply the rule that is shown above, as an admin of the namespace",
                "`deploy/rbac/` has all the rights that Windlass needs",
            ],
        )
        .look(format!("kubectl auth can-i --list --namespace {}", case.namespace()))
    },
};
