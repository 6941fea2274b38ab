//! Finding of a rollout that ran out of time without a known problem.

use super::{Finding, table};
use crate::snapshot::{CREATING, PAUSED, Pod, Snapshot};
use std::time::Duration;

impl Finding {
    /// Returns the finding of a rollout that ran out of time without a known problem.
    #[must_use]
    pub fn stalled(last: &Snapshot, within: Duration) -> Self {
        let waiting = last.workloads.iter().find(|workload| !workload.is_healthy());
        let subject =
            waiting.map(|workload| format!("{} {}", workload.kind, workload.name)).or_else(|| {
                last.routes.iter().find(|r| !r.accepted).map(|r| format!("HTTPRoute {}", r.name))
            });
        let paused = last.workloads.iter().find(|one| one.paused && !one.is_healthy());
        let paused = paused.map(|one| format!("{} {} {PAUSED}", one.kind, one.name));
        let held_up = last.pods.iter().find_map(Pod::held_up);
        let warned = last.warnings.last().map(|w| format!("{}: {}", w.reason, w.message));
        let mut reasons: Vec<_> = paused.into_iter().chain(held_up).chain(warned).collect();
        if reasons.is_empty() {
            let made = last.pods.iter().find(|pod| pod.is_being_made());
            reasons.extend(made.map(|pod| format!("pod {} is {CREATING}", pod.name)));
        }
        let (ready, wanted) = last.progress();
        let seconds = within.as_secs();
        Self {
            problem: table::stalled(),
            subject: subject.unwrap_or_else(|| "the release".into()),
            process: waiting.map(|workload| workload.process.clone()).unwrap_or_default(),
            message: [format!("{ready} of {wanted} pods ready after {seconds} s")]
                .into_iter()
                .chain(reasons)
                .collect::<Vec<_>>()
                .join("; "),
            exit: None,
        }
    }
}
