//! Queries over the kubelet's warnings about probes, for the problems that such warnings show.

use super::{Case, Debounce, Symptom, alive, at, pod_of};
use crate::snapshot::{Container, Pod, Snapshot, Warning};
use windlass_model::runtime::{Check, Probe};

/// Returns whether an exit code is that of a kill: 128 + SIGKILL or SIGTERM.
pub(crate) fn was_killed(exit: i32) -> bool {
    matches!(exit, 137 | 143)
}

/// Time in which a warning may come that shows what killed a container. It comes a moment after the end, or
/// never: for one pod the kubelet writes some 25 in all, then one in five minutes.
const WARNING_DELAY: Debounce = Debounce::After(10);

/// Number of warned failures that is taken for a larger budget's end: for one pod the kubelet writes some 25
/// events in all (client-go's spam filter), on a busy node fewer.
pub(crate) const COUNTED: u32 = 10;

/// Returns the warnings about a pod's probe: `Startup probe`, `Readiness probe`, `Liveness probe`.
fn of_probe<'a>(
    snapshot: &'a Snapshot,
    pod: &Pod,
    which: &str,
) -> impl DoubleEndedIterator<Item = &'a Warning> {
    snapshot.warnings.iter().filter(move |warning| {
        warning.pod == pod.name
            && warning.reason == "Unhealthy"
            && warning.message.starts_with(which)
    })
}

/// Returns the newest warning about a pod's probe.
pub(crate) fn probe<'a>(snapshot: &'a Snapshot, pod: &Pod, which: &str) -> Option<&'a Warning> {
    of_probe(snapshot, pod, which).next_back()
}

/// Returns how often a pod's probe failed, as far as the kubelet has warned.
pub(crate) fn failures(snapshot: &Snapshot, pod: &Pod, which: &str) -> u32 {
    of_probe(snapshot, pod, which).map(|warning| warning.count).fold(0, u32::saturating_add)
}

/// Returns whether the kubelet said that it kills a container for a probe: `liveness probe`, `startup probe`. One
/// such event shows more than any number of failures, of which a busy node's kubelet drops some. The words are
/// those of its `Killing` event: `Container web failed liveness probe, will be restarted`.
pub(crate) fn is_known_killed(
    snapshot: &Snapshot,
    pod: &Pod,
    container: &Container,
    which: &str,
) -> bool {
    let says = format!("Container {} failed {which}", container.name);
    let is = |one: &Warning| {
        one.pod == pod.name && one.reason == "Killing" && one.message.starts_with(&says)
    };
    snapshot.warnings.iter().any(is)
}

/// Returns whether a liveness probe may have had the container of a symptom killed: the kubelet warned of
/// one, or the container ran for long enough that the kubelet may still warn. It writes events later than the
/// pod's status.
pub(crate) fn may_be_killed(snapshot: &Snapshot, symptom: &Symptom) -> bool {
    let ran_long_enough = |pod: &Pod| {
        let mut ends = pod.containers.iter().flat_map(|one| [&one.terminated, &one.last]).flatten();
        pod.liveness_seconds > 0 && ends.any(|end| end.seconds >= pod.liveness_seconds)
    };
    pod_of(snapshot, symptom).is_some_and(|pod| {
        pod.liveness_failures == 1
            || probe(snapshot, pod, "Liveness probe").is_some()
            || ran_long_enough(pod)
    })
}

/// Lets symptoms wait for a warning that comes late and may show another cause. Such a symptom counts once
/// its container has ended twice.
pub(crate) fn await_warning(symptoms: &mut Vec<Symptom>, may_be_warned: impl Fn(&Symptom) -> bool) {
    symptoms.retain(|symptom| symptom.times >= 2 || !may_be_warned(symptom));
    for symptom in symptoms.iter_mut() {
        if may_be_warned(symptom) {
            symptom.debounce = Some(WARNING_DELAY);
        }
    }
}

/// Gives the symptom of a container that was killed the message of the probe that had it killed.
pub(crate) fn with_probe(snapshot: &Snapshot, symptom: Symptom, which: &str) -> Symptom {
    let newest = pod_of(snapshot, &symptom).and_then(|pod| probe(snapshot, pod, which));
    let message = newest.map(|probe| probe.message.clone());
    Symptom { message: message.unwrap_or_default(), ..symptom }
}

/// Returns pods that run and do not get requests, and whose newest warning about the readiness probe matches.
/// Warnings about other probes are no reason for that.
pub(crate) fn unready(snapshot: &Snapshot, matches: fn(&str) -> bool) -> Vec<Symptom> {
    let of_pod = |pod: &Pod| {
        let newest = probe(snapshot, pod, "Readiness probe")?;
        let is_meant = !pod.ready && runs(pod) && matches(&newest.message.to_lowercase());
        is_meant.then(|| at(pod, &newest.message))
    };
    alive(snapshot).filter_map(of_pod).collect()
}

/// Returns whether all containers of a pod run. Init containers that have done their work stay `terminated`
/// for the pod's life.
fn runs(pod: &Pod) -> bool {
    let mut others = pod.containers.iter().filter(|one| !one.has_done());
    others.all(|one| one.waiting.is_none() && one.terminated.is_none())
}

/// Returns what a probe asks: `GET /healthz on port 3000`.
pub(crate) fn asked(probe: &Probe) -> String {
    match &probe.check {
        Check::Http { path, port } => format!("GET {path} on port {port}"),
        Check::Tcp { port } => format!("on TCP port {port}"),
        Check::Grpc { port, .. } => format!("grpc.health.v1 on port {port}"),
        Check::Exec { command } => format!("`{}` in the container", command.join(" ")),
    }
}

/// Returns what the readiness probe asks.
pub(crate) fn readiness(case: &Case<'_>) -> String {
    let probe = case.process().and_then(|process| process.probes.readiness.as_ref());
    probe.map_or_else(|| "its readiness probe".to_owned(), asked)
}
