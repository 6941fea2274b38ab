//! The load balancer gets no address (WL-K8S-053).

use crate::problem::{Debounce, Explanation, Problem, no_answer, of};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 53,
    code: "no-address",
    title: "The load balancer gets no address",
    symptom: "a Service of type LoadBalancer has no address",
    debounce: Debounce::After(120),
    symptoms: |snapshot| {
        snapshot
            .services
            .iter()
            .filter(|service| service.is_pending)
            .map(|service| of("Service", &service.name, "it has no address yet"))
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
        "the cluster gives the load balancer no address",
        [
            "without a cloud nobody hands out addresses: install a controller such as MetalLB, or set `expose.service = \"cluster\"`",
            "in a cloud: look at the Service's events; a quota may be used up, or an annotation is missing",
        ],
    )
    .look(format!("kubectl --namespace {} describe service {}", case.namespace(), case.app()))
    },
};
