//! The namespace's limits refuse the resources (WL-K8S-040).

use crate::problem::{Debounce, Explanation, Problem, limits, refused, rejected};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 40,
    code: "limit-range",
    title: "The namespace's limits refuse the resources",
    symptom: "the API server refuses a pod: a minimum or maximum of a LimitRange",
    debounce: Debounce::Now,
    symptoms: |snapshot| refused(snapshot, limits),
    matches_error: |error| rejected(error, limits),
    explain: |case| {
        let change = format!(
            "change `{}` to what the LimitRange allows: the message names limit and value",
            case.field("resources")
        );
        Explanation::new(
            format!(
                "a LimitRange of namespace {} does not allow these resources",
                case.namespace()
            ),
            [&change, "or ask the cluster's owner to widen it"],
        )
        .look(format!("kubectl --namespace {} describe limitranges", case.namespace()))
    },
};
