//! Excuse for an app that waits for another workload of its release, such as its database. Until that
//! workload is ready the app ends, does not listen or is unwell, and is started again.

use crate::{
    problem::{Debounce, Problem, Symptom},
    snapshot::{Container, Pod, Snapshot, Workload},
};
use std::collections::BTreeMap;

/// Problems whose cause may be such a wait.
const MAY_WAIT: [&str; 7] = [
    "app-crashes",
    "init-fails",
    "startup-probe-failed",
    "not-listening",
    "health-unwell",
    "health-slow",
    "no-http-answer",
];

/// Number of further failures after which they are the pod's own: the run that was under way may have begun
/// too early, the one after it did not.
const OWN: u32 = 2;

/// Number of failures after which a workload is not what others should wait for.
const FAILING: u32 = 2;

/// Failures of each pod by the time that the workload it may wait for was ready, by subject.
#[derive(Default)]
pub(super) struct Awaited(BTreeMap<String, u32>);

impl Awaited {
    /// Returns whether a symptom may come of another workload that is not ready yet, or was not when this
    /// pod's container was started last.
    pub(super) fn excuses(
        &mut self,
        problem: &Problem,
        snapshot: &Snapshot,
        symptom: &Symptom,
    ) -> bool {
        let name = symptom.subject.strip_prefix("pod ");
        let pod = snapshot.pods.iter().find(|pod| name == Some(&*pod.name));
        let Some(pod) = pod.filter(|pod| !pod.workload.is_empty()) else { return false };
        if !MAY_WAIT.contains(&problem.code) {
            return false;
        }
        if snapshot.workloads.iter().any(|one| one.name != pod.workload && is_coming(one, snapshot))
        {
            self.0.insert(symptom.subject.clone(), symptom.times);
            return true;
        }
        // What lasts has its time again from now on; what happens has happened before.
        matches!(problem.debounce, Debounce::Times(_))
            && self.0.get(&symptom.subject).is_some_and(|before| symptom.times < before + OWN)
    }
}

/// Adds to an excused symptom's message the workload that its pod may wait for. At the end of the rollout's
/// time that workload may be the cause.
pub(super) fn with_awaited(snapshot: &Snapshot, mut symptom: Symptom) -> Symptom {
    let name = symptom.subject.strip_prefix("pod ");
    let pod = snapshot.pods.iter().find(|pod| name == Some(&*pod.name));
    let awaited = pod.and_then(|pod| {
        let mut others = snapshot.workloads.iter().filter(|one| one.name != pod.workload);
        others.find(|one| is_coming(one, snapshot))
    });
    if let Some(Workload { kind, name, ready, wanted, .. }) = awaited {
        let reason = format!("it may wait for {kind} {name}, with {ready} of {wanted} pods ready");
        let message = std::mem::take(&mut symptom.message);
        symptom.message = if message.is_empty() { reason } else { format!("{message}; {reason}") };
    }
    symptom
}

/// Returns whether a workload has not all its pods yet, and none of them fails itself: of two workloads that
/// both fail, neither waits for the other.
fn is_coming(one: &Workload, snapshot: &Snapshot) -> bool {
    let has_done = |container: &Container| {
        container.init && container.terminated.as_ref().is_some_and(|end| end.exit == 0)
    };
    let fails = |pod: &Pod| {
        pod.workload == one.name
            && pod.containers.iter().any(|one| one.ends() >= FAILING && !has_done(one))
    };
    let lacks = one.ready < one.wanted && !one.paused && one.failed.is_none();
    lacks && !snapshot.pods.iter().any(fails)
}
