//! The node cannot use a container's configuration (WL-K8S-056).

use crate::problem::{Debounce, Explanation, Problem, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 56,
    code: "container-config-unusable",
    title: "The node cannot use a container's configuration",
    symptom: "a container waits with CreateContainerConfigError, in words that no other problem knows",
    debounce: Debounce::After(60),
    symptoms: |snapshot| waiting(snapshot, &["CreateContainerConfigError"], |_| true),
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the node cannot use the configuration of a container of {}", case.who()),
            [
                "change what the message names: a volume's `subPath`, a security setting, a variable",
                "if it is all as it should be, ask the cluster's owner to look at the node",
            ],
        )
    },
};
