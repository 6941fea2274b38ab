//! What the kubelet says of probes, for the problems that are told by them.

use super::{Case, Debounce, Symptom, alive, at, pod_of};
use crate::snapshot::{Pod, Snapshot, Warning};
use windlass_model::runtime::{Check, Probe};

/// Killed by somebody: 128 + SIGKILL or SIGTERM.
pub(crate) fn was_killed(exit: i32) -> bool {
    matches!(exit, 137 | 143)
}

/// Who killed a container is told in a warning, which comes a moment after the end; or never: of one
/// pod the kubelet writes some 25 in all, then one in five minutes.
const LATE: Debounce = Debounce::After(5);

/// So many failures are believed of a budget that is larger: of one pod the kubelet writes some 25
/// events in all (client-go's spam filter), on a busy node fewer.
pub(crate) const COUNTED: u32 = 10;

/// Returns the warnings about a pod's probe: `Startup probe`, `Readiness probe`, `Liveness probe`.
fn of_probe<'a>(
    seen: &'a Snapshot,
    pod: &Pod,
    which: &str,
) -> impl DoubleEndedIterator<Item = &'a Warning> {
    seen.warnings.iter().filter(move |warning| {
        warning.pod == pod.name
            && warning.reason == "Unhealthy"
            && warning.message.starts_with(which)
    })
}

/// Returns the newest of them.
pub(crate) fn probe<'a>(seen: &'a Snapshot, pod: &Pod, which: &str) -> Option<&'a Warning> {
    of_probe(seen, pod, which).next_back()
}

/// Returns how often a pod's probe failed, as far as the kubelet has told.
pub(crate) fn failures(seen: &Snapshot, pod: &Pod, which: &str) -> u32 {
    of_probe(seen, pod, which).map(|warning| warning.count).fold(0, u32::saturating_add)
}

/// Whether a liveness probe may have had the container of a sign killed: the kubelet warned of one, or the
/// container ran for long enough that it may still warn. It writes events later than the pod's status.
pub(crate) fn may_be_killed(seen: &Snapshot, symptom: &Symptom) -> bool {
    let ran_long_enough = |pod: &Pod| {
        let mut ends = pod.containers.iter().flat_map(|one| [&one.terminated, &one.last]).flatten();
        pod.liveness_seconds > 0 && ends.any(|end| end.seconds >= pod.liveness_seconds)
    };
    pod_of(seen, symptom).is_some_and(|pod| {
        pod.liveness_failures == 1
            || probe(seen, pod, "Liveness probe").is_some()
            || ran_long_enough(pod)
    })
}

/// Lets signs wait for a warning that comes late, where it may tell another cause; such a sign counts
/// once its container has ended twice.
pub(crate) fn once_told(symptoms: &mut Vec<Symptom>, may_be_told: impl Fn(&Symptom) -> bool) {
    symptoms.retain(|symptom| symptom.times >= 2 || !may_be_told(symptom));
    for symptom in symptoms.iter_mut() {
        if may_be_told(symptom) {
            symptom.debounce = Some(LATE);
        }
    }
}

/// The sign of a container that was killed, in the words of the probe that had it killed.
pub(crate) fn with_probe(seen: &Snapshot, symptom: Symptom, which: &str) -> Symptom {
    let newest = pod_of(seen, &symptom).and_then(|pod| probe(seen, pod, which));
    let message = newest.map(|probe| probe.message.clone());
    Symptom { message: message.unwrap_or_default(), ..symptom }
}

/// Pods that run and do not get requests, as their readiness probe says in words like these. What other
/// probes say meanwhile is not about that.
pub(crate) fn unready(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Symptom> {
    let of_pod = |pod: &Pod| {
        let newest = probe(seen, pod, "Readiness probe")?;
        let is_meant = !pod.ready && runs(pod) && says(&newest.message.to_lowercase());
        is_meant.then(|| at(pod, &newest.message))
    };
    alive(seen).filter_map(of_pod).collect()
}

/// Whether all containers of a pod run. Init containers that have done their work stay `terminated` for
/// the pod's life.
fn runs(pod: &Pod) -> bool {
    let mut others = pod.containers.iter().filter(|one| !one.has_done());
    others.all(|one| one.waiting.is_none() && one.terminated.is_none())
}

/// `GET /healthz on port 3000`.
pub(crate) fn asked(probe: &Probe) -> String {
    match &probe.check {
        Check::Http { path, port } => format!("GET {path} on port {port}"),
        Check::Tcp { port } => format!("on TCP port {port}"),
        Check::Grpc { port, .. } => format!("grpc.health.v1 on port {port}"),
        Check::Exec { command } => format!("`{}` in the container", command.join(" ")),
    }
}

/// What the readiness probe asks.
pub(crate) fn readiness(case: &Case<'_>) -> String {
    let probe = case.process().and_then(|process| process.probes.readiness.as_ref());
    probe.map_or_else(|| "its readiness probe".to_owned(), asked)
}
