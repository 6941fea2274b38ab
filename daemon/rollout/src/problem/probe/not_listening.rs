//! Nothing listens where the probe asks (WL-K8S-024).

use crate::problem::{
    Debounce, Explanation, Problem, no_answer,
    probing::{readiness, unready},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 24,
    code: "not-listening",
    title: "Nothing listens where the probe asks",
    symptom: "the kubelet warns of a readiness probe: `connection refused`",
    debounce: Debounce::Likely(30),
    symptoms: |snapshot| unready(snapshot, |text| text.contains("connection refused")),
    matches_error: no_answer,
    explain: |case| {
        let listen = format!(
            "listen on 0.0.0.0:$PORT (PORT is {}), not on localhost and not on another port",
            case.port()
        );
        let port = format!("or set `{}` to where it listens", case.field("port"));
        Explanation::new(format!("nothing answers {}", readiness(case)), [&listen, &port])
    },
};
