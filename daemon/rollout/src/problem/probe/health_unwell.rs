//! The app says that it is not well (WL-K8S-026).

use crate::problem::{
    Debounce, Explanation, Problem, has, no_answer,
    probing::{readiness, unready},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 26,
    code: "health-unwell",
    title: "The app says that it is not well",
    symptom: "the kubelet warns of a readiness probe: a status of 500 to 599, or gRPC's `NOT_SERVING`",
    debounce: Debounce::Likely(30),
    symptoms: |snapshot| unready(snapshot, |text| has(text, &["statuscode: 5", "not_serving"])),
    matches_error: no_answer,
    explain: |case| {
        let path =
            format!("or let `{}` be a path that tells of the app alone", case.field("health"));
        Explanation::new(
            format!("{} listens, and answers {} with an error", case.who(), readiness(case)),
            [
                "its log says why: mostly something that it needs does not answer, a database or another service",
                &path,
            ],
        )
    },
};
