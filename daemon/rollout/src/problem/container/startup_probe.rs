//! The app does not answer in time after its start (WL-K8S-023).

use crate::problem::{
    Debounce, Explanation, Problem, ended, has, no_answer,
    probing::{COUNTED, asked, failures, is_known_killed, with_probe},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 23,
    code: "startup-probe-failed",
    title: "The app does not answer in time after its start",
    symptom: "the kubelet warns of `Startup probe failed`, and the container was killed",
    debounce: Debounce::Times(1),
    symptoms: |snapshot| {
        ended(snapshot, |snapshot, pod, container, end| {
            // An app that ends by itself fails its startup probe too, before that: only one that was
            // killed (128 + SIGKILL or SIGTERM), or that ended with 0 when it was asked to, did not answer.
            let failed = failures(snapshot, pod, "Startup probe");
            let budget = pod.startup_failures.clamp(1, COUNTED);
            match end.exit {
                0..128 if is_known_killed(snapshot, pod, container, "startup probe") => true,
                // The liveness probe asks only an app that has started, and kills it for its own reason.
                137 | 143 => failed >= budget && failures(snapshot, pod, "Liveness probe") == 0,
                0 => failed >= budget.max(COUNTED),
                _ => false,
            }
        })
        .into_iter()
        .map(|symptom| with_probe(snapshot, symptom, "Startup probe"))
        .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        let port = case.port();
        let message = case.finding.message.to_lowercase();
        let asked = case
            .process()
            .and_then(|process| process.probes.startup.as_ref())
            .map(asked)
            .unwrap_or_default();
        let listen = format!(
            "listen on 0.0.0.0:$PORT (PORT is {port}), not on localhost and not on another port"
        );
        let path = format!(
            "if the app serves another path or none, set `{}` to what it serves, or leave it out for a TCP probe",
            case.field("health")
        );
        let budget =
            format!("if it only needs longer, raise `{}`", case.field("probes.startup.failures"));
        let mut fixes = vec![listen, path, budget];
        if message.contains("statuscode") {
            // It listens.
            fixes.swap(0, 1);
        } else if has(&message, &["deadline", "timeout"]) {
            fixes.swap(0, 2);
        }
        Explanation {
            what: format!("{} did not answer {asked} in time after its start", case.who()),
            fixes,
            command: None,
        }
    },
};
