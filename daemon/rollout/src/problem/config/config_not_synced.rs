//! The node has not seen a ConfigMap or Secret yet (WL-K8S-013).

use crate::problem::{CREATE, Debounce, Explanation, Problem, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 13,
    code: "config-not-synced",
    title: "The node has not seen a ConfigMap or Secret yet",
    symptom: "a container waits with CreateContainerConfigError, and the message says `failed to sync`",
    debounce: Debounce::Wait,
    symptoms: |snapshot| waiting(snapshot, CREATE, |text| text.contains("failed to sync")),
    matches_error: no_answer,
    explain: |_| {
        Explanation::new(
            "the node has not seen a ConfigMap or Secret yet",
            ["wait: it mostly passes; if not, look whether the node reaches the API server"],
        )
    },
};
