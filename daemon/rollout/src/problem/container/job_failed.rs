//! A Job failed (WL-K8S-055).

use crate::problem::{Debounce, Explanation, Problem, no_answer, of_workload};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 55,
    code: "job-failed",
    title: "A Job failed",
    symptom: "a Job of the release has failed: BackoffLimitExceeded, DeadlineExceeded or another",
    debounce: Debounce::Now,
    symptoms: |snapshot| {
        snapshot
            .workloads
            .iter()
            .filter(|workload| workload.kind == "Job")
            .filter_map(|workload| {
                let (reason, message) = workload.failed.as_ref()?;
                Some(of_workload(workload, format!("{reason}: {message}")))
            })
            .collect()
    },
    matches_error: no_answer,
    explain: |case| {
        let (what, fix) = match case.finding.message.split(':').next().unwrap_or_default() {
            "DeadlineExceeded" => (
                "a Job of the release did not end in time",
                "raise its `activeDeadlineSeconds`, or let it do less",
            ),
            _ => ("a Job of the release failed", "its log says why: fix that and submit again"),
        };
        Explanation::new(
            what,
            [fix, "the same Job with the same image is not run again: delete it first, or commit a change"],
        )
        .look(format!(
            "kubectl --namespace {} logs {}",
            case.namespace(),
            case.finding.subject.to_lowercase().replace(' ', "/")
        ))
    },
};
