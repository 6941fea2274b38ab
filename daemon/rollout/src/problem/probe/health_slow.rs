//! The app answers its probe too slowly (WL-K8S-027).

use crate::problem::{
    Debounce, Explanation, Problem, has, no_answer,
    probing::{readiness, unready},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 27,
    code: "health-slow",
    title: "The app answers its probe too slowly",
    symptom: "the kubelet warns of a readiness probe that got no answer in time",
    debounce: Debounce::Likely(30),
    symptoms: |snapshot| {
        unready(snapshot, |text| has(text, &["deadline exceeded", "timeout", "timed out"]))
    },
    matches_error: no_answer,
    explain: |case| {
        let longer = format!(
            "raise `{}`, now {} s",
            case.field("probes.readiness.timeout-seconds"),
            case.process()
                .and_then(|p| p.probes.readiness.as_ref())
                .map_or(1, |probe| probe.timeout)
        );
        let cpu = format!(
            "raise `{}`: an app that shares a full node is slow",
            case.field("resources.cpu")
        );
        Explanation::new(
            format!("{} takes too long to answer {}", case.who(), readiness(case)),
            [&longer, &cpu, "or let the path do less"],
        )
    },
};
