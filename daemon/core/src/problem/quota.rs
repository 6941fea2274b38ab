//! The namespace's quota is used up (kubernetes 38).

use super::{Patience, Problem, Words, refused, rejected};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 38,
    code: "quota-exceeded",
    title: "The namespace's quota is used up",
    seen: "the API server refuses a pod or an object: `exceeded quota`",
    patience: Patience::Now,
    signs: |seen| refused(seen, |text| text.contains("exceeded quota")),
    answers: |error| rejected(error, |text| text.contains("exceeded quota")),
    words: |case| {
        let lower = format!(
            "raise the ResourceQuota that is named above, or lower `{}` or `{}`",
            case.field("replicas"),
            case.field("resources")
        );
        Words::new(
            format!("the quota of namespace {} refuses new pods", case.namespace()),
            [&lower, "a rolling update needs room for one pod more than `replicas`"],
        )
        .look(format!("kubectl --namespace {} describe quota", case.namespace()))
    },
};
