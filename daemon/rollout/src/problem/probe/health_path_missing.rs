//! The health path does not exist (WL-K8S-025).

use crate::problem::{
    Debounce, Explanation, Problem, has, no_answer,
    probing::{readiness, unready},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 25,
    code: "health-path-missing",
    title: "The health path does not exist",
    symptom: "the kubelet warns of a readiness probe: `statuscode: 404`, or that the server does not implement the gRPC health protocol",
    debounce: Debounce::Likely(30),
    symptoms: |snapshot| {
        unready(snapshot, |text| {
            has(text, &["statuscode: 404", "does not implement the grpc health protocol"])
        })
    },
    matches_error: no_answer,
    explain: |case| {
        let path = format!(
            "set `{}` to a path that the app serves, or leave it out for a TCP probe",
            case.field("health")
        );
        Explanation::new(
            format!("{} listens, and does not know {}", case.who(), readiness(case)),
            [&path],
        )
    },
};
