//! What the kubelet says of probes, for the problems that are told by them.

use super::{Case, Patience, Sign, pod_of, warned};
use crate::{
    runtime::{Check, Probe},
    snapshot::{Pod, Snapshot, Warning},
};

/// Killed by somebody: 128 + SIGKILL or SIGTERM.
pub(super) fn was_killed(exit: i32) -> bool {
    matches!(exit, 137 | 143)
}

/// Who killed a container is told in a warning, which comes a moment after the end; or never: of one
/// pod the kubelet writes some 25 in all, then one in five minutes.
pub(super) const LATE: Patience = Patience::After(5);

/// So many failures are believed of a budget that is larger: of one pod the kubelet writes some 25
/// events in all (client-go's spam filter), on a busy node fewer.
pub(super) const COUNTED: u32 = 10;

/// The newest warning about a pod's probe: `Startup probe`, `Readiness probe`, `Liveness probe`.
pub(super) fn probe<'a>(seen: &'a Snapshot, pod: &Pod, which: &str) -> Option<&'a Warning> {
    let of_pod = seen.warnings.iter().filter(|warning| warning.pod == pod.name);
    let mut of_probe = of_pod.filter(|warning| warning.message.starts_with(which));
    of_probe.next_back()
}

/// How often a pod's probe failed, as far as the kubelet has told.
pub(super) fn failures(seen: &Snapshot, pod: &Pod, which: &str) -> u32 {
    let of_pod = seen.warnings.iter().filter(|warning| warning.pod == pod.name);
    let of_probe = of_pod.filter(|warning| warning.message.starts_with(which));
    of_probe.map(|warning| warning.count).sum()
}

/// The sign of a container that was killed, in the words of the probe that had it killed.
pub(super) fn with_probe(seen: &Snapshot, sign: Sign, which: &str) -> Sign {
    let newest = pod_of(seen, &sign).and_then(|pod| probe(seen, pod, which));
    let message = newest.map(|probe| probe.message.clone());
    Sign { message: message.unwrap_or_default(), ..sign }
}

/// Pods that run and do not get requests, as their readiness probe says in words like these.
pub(super) fn unready(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Sign> {
    let mut signs = warned(seen, "Unhealthy", says);
    let runs = |pod: &Pod| {
        pod.containers.iter().all(|one| one.waiting.is_none() && one.terminated.is_none())
    };
    signs.retain(|sign| {
        sign.message.starts_with("Readiness probe") && pod_of(seen, sign).is_some_and(runs)
    });
    signs
}

/// `GET /healthz on port 3000`.
pub(super) fn asked(probe: &Probe) -> String {
    match &probe.check {
        Check::Http { path, port } => format!("GET {path} on port {port}"),
        Check::Tcp { port } => format!("on TCP port {port}"),
        Check::Grpc { port, .. } => format!("grpc.health.v1 on port {port}"),
        Check::Exec { command } => format!("`{}` in the container", command.join(" ")),
    }
}

/// What the readiness probe asks.
pub(super) fn readiness(case: &Case<'_>) -> String {
    let probe = case.process().and_then(|process| process.probes.readiness.as_ref());
    probe.map_or_else(|| "its readiness probe".to_owned(), asked)
}
