//! The app refuses its health check (WL-K8S-061).

use crate::problem::{
    Debounce, Explanation, Problem, no_answer,
    probing::{readiness, unready},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 61,
    code: "health-refused",
    title: "The app refuses its health check",
    symptom: "the kubelet warns of a readiness probe: a status of 400 to 499, other than 404",
    debounce: Debounce::Likely(30),
    symptoms: |snapshot| {
        unready(snapshot, |text| {
            text.contains("statuscode: 4") && !text.contains("statuscode: 404")
        })
    },
    matches_error: no_answer,
    explain: |case| {
        let path = format!(
            "let `{}` be a path that needs no login and no limit of requests",
            case.field("health")
        );
        let host = "let it take requests for any host: the probe asks for the pod's own address (Django: `ALLOWED_HOSTS`)";
        let tcp = format!("or leave `{}` out for a TCP probe", case.field("health"));
        let fixes = if case.finding.message.contains("statuscode: 400") {
            [host, &*path, &*tcp]
        } else {
            [&*path, host, &*tcp]
        };
        Explanation::new(format!("{} listens, and refuses {}", case.who(), readiness(case)), fixes)
    },
};
