//! The Service leads nowhere (WL-K8S-052).

use crate::problem::{Debounce, Explanation, Problem, no_answer, of};
use crate::snapshot::Workload;

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 52,
    code: "no-endpoints",
    title: "The Service leads nowhere",
    symptom: "the rollout is done, and the Service has no ready address",
    debounce: Debounce::After(10),
    symptoms: |snapshot| {
        snapshot
            .services
            .iter()
            .filter(|service| {
                service.endpoints == Some(0) && snapshot.workloads.iter().all(Workload::is_healthy)
            })
            .map(|service| of("Service", &service.name, "no ready address stands behind it"))
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
        "the pods are ready, and the Service leads to none of them",
        [
            "in a manifest of your own: the Service's `selector` must be labels of the pods, and `targetPort` a port of theirs",
            "look whether somebody changed the Service's selector",
        ],
    )
    .look(format!("kubectl --namespace {} get endpointslices,services -o wide", case.namespace()))
    },
};
