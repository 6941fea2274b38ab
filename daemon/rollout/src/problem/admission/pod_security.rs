//! The namespace's pod security refuses the pod (WL-K8S-039).

use crate::problem::{Debounce, Explanation, Problem, refused, rejected};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 39,
    code: "pod-security",
    title: "The namespace's pod security refuses the pod",
    symptom: "the API server refuses a pod: `violates PodSecurity`",
    debounce: Debounce::Now,
    symptoms: |snapshot| refused(snapshot, |text| text.contains("violates podsecurity")),
    matches_error: |error| rejected(error, |text| text.contains("violates podsecurity")),
    explain: |case| {
        Explanation::new(
        format!("namespace {} allows only pods that are more confined: {}", case.namespace(), case.finding.message.split_once("\": ").map_or("", |(_, fields)| fields)),
        [
            "an image of root: end the Dockerfile with a numeric `USER`, such as `USER 10001`; Windlass sets all else",
            "a manifest of your own: set the fields that are named above",
            "or ask the cluster's owner for another level: the namespace's label `pod-security.kubernetes.io/enforce`",
        ],
    )
    .look(format!("kubectl get namespace {} --show-labels", case.namespace()))
    },
};
