//! The app gives its probe no answer in HTTP (WL-K8S-062).

use crate::problem::{
    Debounce, Explanation, Problem, has, no_answer,
    probing::{readiness, unready},
};

/// Messages for an answer that is none in the protocol of the probe, lower-case (`net/http` of Go).
const UNREADABLE: &[&str] = &[
    "connection reset by peer",
    "broken pipe",
    "malformed http",
    "server gave http response to https client",
    "remote error: tls",
    "tls: first record does not look like a tls handshake",
];

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 62,
    code: "no-http-answer",
    title: "The app gives its probe no answer in HTTP",
    symptom: "the kubelet warns of a readiness probe: `connection reset by peer`, `EOF`, `malformed HTTP`, or that one side speaks TLS and the other does not",
    debounce: Debounce::Likely(30),
    symptoms: |snapshot| {
        unready(snapshot, |text| has(text, UNREADABLE) || text.trim_end().ends_with(": eof"))
    },
    matches_error: no_answer,
    explain: |case| {
        let plain = format!(
            "speak plain HTTP on port {}: a program that expects TLS there, or another protocol, ends the connection",
            case.port()
        );
        let tcp = format!("or leave `{}` out for a TCP probe", case.field("health"));
        Explanation::new(
            format!(
                "{} takes the connection and gives no answer in HTTP to {}",
                case.who(),
                readiness(case)
            ),
            [
                &plain,
                "in a manifest of your own: `scheme: HTTPS` for a program that speaks TLS",
                &tcp,
            ],
        )
    },
};
