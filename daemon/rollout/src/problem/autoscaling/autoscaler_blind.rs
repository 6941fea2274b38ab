//! The autoscaler sees no load (WL-K8S-054).

use crate::problem::{Debounce, Explanation, Problem, no_answer, of};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 54,
    code: "autoscaler-blind",
    title: "The autoscaler sees no load",
    symptom: "the HorizontalPodAutoscaler's condition ScalingActive is false",
    debounce: Debounce::Warn,
    symptoms: |snapshot| {
        snapshot
            .autoscalers
            .iter()
            .filter_map(|autoscaler| {
                let message = autoscaler.inactive.clone()?;
                Some(of("HorizontalPodAutoscaler", &autoscaler.name, message))
            })
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
        "the autoscaler cannot read how busy the pods are: their number stays as it is",
        [
            "install metrics-server in the cluster; in the first minute after a release this passes by itself",
            "percentages are of requests: `resources.cpu` must be set for each container",
        ],
    )
    .look(format!("kubectl --namespace {} describe horizontalpodautoscalers", case.namespace()))
    },
};
