//! The release did not become ready in time (WL-K8S-045).

use super::{Debounce, Explanation, Problem, no_answer, of_workload};
use crate::snapshot::{CREATING, PAUSED};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 45,
    code: "not-ready-in-time",
    title: "The release did not become ready in time",
    symptom: "the Deployment's condition Progressing is ProgressDeadlineExceeded, or the rollout's own time is up, and nothing else is known to be wrong",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        snapshot
            .workloads
            .iter()
            .filter(|workload| workload.kind != "Job")
            .filter_map(|workload| {
                let (reason, message) = workload.failed.as_ref()?;
                Some(of_workload(workload, format!("{reason}: {message}")))
            })
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        if case.finding.message.contains(PAUSED) {
            return Explanation::new(
                "the release waited for something that is paused until somebody resumes it",
                [
                    "in a manifest of your own: remove `paused` of the Deployment, or `suspend` of the Job",
                    "if somebody paused it in the cluster: `kubectl rollout resume`, then submit again",
                ],
            );
        }
        if case.finding.message.contains(CREATING) {
            return Explanation::new(
                "a node was still pulling the image, or mounting a volume, when the time was up",
                [
                    "see that the registry answers from the cluster's nodes: one that hangs gives no error",
                    "an image of gigabytes takes its time: make it smaller",
                    "if it has volumes, see that what provides them runs",
                ],
            );
        }
        let probes = format!("the app must answer on 0.0.0.0:{}, for all probes", case.port());
        Explanation::new(
            "the new version did not become ready in time",
            [&probes, "look at the warnings and log lines above"],
        )
    },
};
