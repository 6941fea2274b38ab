//! The autoscaler cannot change how many pods there are (WL-K8S-060).

use crate::problem::{Debounce, Explanation, Problem, no_answer, of};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 60,
    code: "autoscaler-lost",
    title: "The autoscaler cannot change how many pods there are",
    symptom: "the HorizontalPodAutoscaler's condition AbleToScale is false: FailedGetScale or FailedUpdateScale",
    debounce: Debounce::Warn,
    symptoms: |snapshot| {
        snapshot
            .autoscalers
            .iter()
            .filter_map(|autoscaler| {
                let message = autoscaler.unable.clone()?;
                Some(of("HorizontalPodAutoscaler", &autoscaler.name, message))
            })
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            "the autoscaler does not find what it is to scale, or may not scale it: the number of pods stays as it is",
            [
                "correct `scaleTargetRef` of the HorizontalPodAutoscaler: kind, name and API group must be those of a workload in this namespace",
                "if two autoscalers name the same workload, remove one",
            ],
        )
        .look(format!(
            "kubectl --namespace {} describe horizontalpodautoscalers",
            case.namespace()
        ))
    },
};
