//! An app that waits for another workload of its release, such as its database: until that is there it
//! ends, does not listen or is unwell, and is started again.

use crate::{
    problem::{Debounce, Problem, Symptom},
    snapshot::{Container, Pod, Snapshot, Workload},
};
use std::collections::BTreeMap;

/// Problems that may be no more than that.
const MAY_WAIT: [&str; 7] = [
    "app-crashes",
    "init-fails",
    "startup-probe-failed",
    "not-listening",
    "health-unwell",
    "health-slow",
    "no-http-answer",
];

/// So many failures more are its own: the run that was under way may have begun too early, the one
/// after it did not.
const OWN: u32 = 2;

/// A workload that failed so often is not what others should wait for.
const FAILING: u32 = 2;

/// Remembers how often a pod had failed by the time that what it may wait for was there.
#[derive(Default)]
pub(super) struct Awaited(BTreeMap<String, u32>);

impl Awaited {
    /// Whether a sign may come of another workload that is not there yet, or was not when this pod's
    /// container was started last.
    pub(super) fn excuses(
        &mut self,
        problem: &Problem,
        seen: &Snapshot,
        symptom: &Symptom,
    ) -> bool {
        let name = symptom.subject.strip_prefix("pod ");
        let pod = seen.pods.iter().find(|pod| name == Some(&*pod.name));
        let Some(pod) = pod.filter(|pod| !pod.workload.is_empty()) else { return false };
        if !MAY_WAIT.contains(&problem.code) {
            return false;
        }
        if seen.workloads.iter().any(|one| one.name != pod.workload && is_coming(one, seen)) {
            self.0.insert(symptom.subject.clone(), symptom.times);
            return true;
        }
        // What lasts has its time again from now on; what happens has happened before.
        matches!(problem.debounce, Debounce::Times(_))
            && self.0.get(&symptom.subject).is_some_and(|before| symptom.times < before + OWN)
    }
}

/// An excused sign, with what its pod may wait for: at the end of the rollout's time that may be the cause.
pub(super) fn told(seen: &Snapshot, mut symptom: Symptom) -> Symptom {
    let name = symptom.subject.strip_prefix("pod ");
    let pod = seen.pods.iter().find(|pod| name == Some(&*pod.name));
    let awaited = pod.and_then(|pod| {
        let mut others = seen.workloads.iter().filter(|one| one.name != pod.workload);
        others.find(|one| is_coming(one, seen))
    });
    if let Some(Workload { kind, name, ready, wanted, .. }) = awaited {
        let words = format!("it may wait for {kind} {name}, with {ready} of {wanted} pods ready");
        let said = std::mem::take(&mut symptom.message);
        symptom.message = if said.is_empty() { words } else { format!("{said}; {words}") };
    }
    symptom
}

/// Whether it has not all its pods yet, and none of them fails itself: of two that both fail, neither
/// waits for the other.
fn is_coming(one: &Workload, seen: &Snapshot) -> bool {
    let has_done = |container: &Container| {
        container.init && container.terminated.as_ref().is_some_and(|end| end.exit == 0)
    };
    let fails = |pod: &Pod| {
        pod.workload == one.name
            && pod.containers.iter().any(|one| one.ends() >= FAILING && !has_done(one))
    };
    let lacks = one.ready < one.wanted && !one.paused && one.failed.is_none();
    lacks && !seen.pods.iter().any(fails)
}
