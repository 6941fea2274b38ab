//! The namespace's limits refuse the resources (kubernetes 40).

use super::{Patience, Problem, Words, limits, refused, rejected};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 40,
    code: "limit-range",
    title: "The namespace's limits refuse the resources",
    seen: "the API server refuses a pod: a minimum or maximum of a LimitRange",
    patience: Patience::Now,
    signs: |seen| refused(seen, limits),
    answers: |error| rejected(error, limits),
    words: |case| {
        let change = format!(
            "change `{}` to what the LimitRange allows: the message names limit and value",
            case.field("resources")
        );
        Words::new(
            format!(
                "a LimitRange of namespace {} does not allow these resources",
                case.namespace()
            ),
            [&change, "or ask the cluster's owner to widen it"],
        )
        .look(format!("kubectl --namespace {} describe limitranges", case.namespace()))
    },
};
