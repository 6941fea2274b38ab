//! The source of a volume is missing (WL-K8S-035).

use crate::problem::{Debounce, Explanation, Problem, has, no_answer, warned_before_start};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 35,
    code: "mount-missing",
    title: "What a volume is made of is missing",
    symptom: "the kubelet warns of FailedMount, and the message says `not found` or `non-existent`",
    debounce: Debounce::After(20),
    symptoms: |snapshot| {
        warned_before_start(snapshot, "FailedMount", |text| {
            has(text, &["not found", "non-existent"])
        })
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
        format!("a volume needs `{}`, which is not there", case.finding.message.split('"').nth(3).unwrap_or_else(|| case.quoted())),
        [
            "make the Secret, ConfigMap or claim in this namespace, with the keys that the volume names",
            "or correct its name under `volumes`",
        ],
    )
    .look(format!("kubectl --namespace {} get secrets,configmaps,persistentvolumeclaims", case.namespace()))
    },
};
