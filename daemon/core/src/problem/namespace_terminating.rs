//! The namespace is being deleted (kubernetes 50).

use super::{Patience, Problem, Words, unseen};
use crate::ports::ClusterError;

pub(super) const PROBLEM: &Problem = &Problem {
    number: 50,
    code: "namespace-terminating",
    title: "The namespace is being deleted",
    seen: "the API server answers that the namespace is being terminated",
    patience: Patience::Likely(60),
    signs: unseen,
    answers: |error| matches!(error, ClusterError::Unreachable { message } if message.contains("being terminated")),
    words: |case| {
        Words::new(
            format!("namespace {} is being deleted", case.namespace()),
            [
                "wait until it is gone, then submit again; Windlass makes it anew",
                "if it stays, something in it cannot be deleted: its conditions name what",
            ],
        )
        .look(format!("kubectl get namespace {} -o yaml", case.namespace()))
    },
};
