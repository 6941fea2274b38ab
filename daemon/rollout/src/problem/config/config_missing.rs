//! A ConfigMap or Secret is missing (WL-K8S-010).

use crate::problem::{Debounce, Explanation, Problem, no_answer, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 10,
    code: "config-missing",
    title: "A ConfigMap or Secret is missing",
    symptom: "a container waits with CreateContainerConfigError, and the message says `not found`",
    debounce: Debounce::After(10),
    // A container that cannot be created may lack its command.
    symptoms: |snapshot| {
        waiting(snapshot, &["CreateContainerConfigError"], |text| text.contains("not found"))
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
        format!("a pod of {} needs `{}`, which is not there", case.release.app, case.quoted()),
        [
            "if Windlass made it, somebody deleted it after it was applied: submit or roll back again, which puts it back",
            "if it is yours, make it in this namespace, or correct its name",
        ],
    )
    .look(format!("kubectl --namespace {} get configmaps,secrets", case.namespace()))
    },
};
