//! What can be wrong with a release on Kubernetes: one problem a file, with the sign that shows it,
//! how long the sign must last, and the words for people. In this order they are looked for: what
//! one explains is no sign of a later one.
//!
//! Peers: `kstatus` fails a crash loop at once and knows no other; Skaffold suggests three fixes;
//! Krane's false alarms (Shopify/krane#819) argue for two restarts before a crash is called.

use crate::{
    job::Release,
    ports::ClusterError,
    rollout::Finding,
    runtime::Process,
    snapshot::{Container, Pod, Snapshot, Terminated, Workload},
};
use std::fmt;

mod account_missing;
mod app_crashes;
mod app_returns;
mod autoscaler_blind;
mod cluster_forbids;
mod command_not_found;
mod config_key_missing;
mod config_missing;
mod config_not_synced;
mod exec_format;
mod field_of_another;
mod health_path_missing;
mod health_slow;
mod health_unwell;
mod image_name_invalid;
mod image_never_pulled;
mod image_not_found;
mod immutable;
mod init_fails;
mod job_failed;
mod kind_missing;
mod limit_range;
mod liveness_kills;
mod mount_missing;
mod namespace_terminating;
mod native_crash;
mod no_address;
mod no_endpoints;
mod no_node_matches;
mod no_room;
mod no_sandbox;
mod node_pressure;
mod not_executable;
mod not_listening;
mod not_ready_in_time;
mod out_of_memory;
mod page;
mod pod_security;
mod port_taken;
mod probing;
mod pull_denied;
mod pull_rate_limit;
mod pull_unauthorized;
mod quota;
mod registry_not_trusted;
mod registry_unreachable;
mod route_refused;
mod spread;
mod startup_probe;
mod table;
mod taint;
mod user_refused;
mod volume_elsewhere;
mod volume_in_use;
mod volume_unbound;
mod webhook_denies;
mod webhook_down;
mod wrong_platform;

pub use page::{headings, page, pages};
pub use table::KNOWN;

/// One problem that is known.
pub struct Problem {
    /// Never used for another: `WL-K8S-020` of 20.
    pub number: u16,
    /// The same for programs and logs: `app-crashes`.
    pub code: &'static str,
    /// What it is, as a heading.
    pub title: &'static str,
    /// How the cluster shows it, for its page.
    pub seen: &'static str,
    /// How long it must last.
    pub patience: Patience,
    /// Where a snapshot shows it.
    pub(crate) signs: fn(&Snapshot) -> Vec<Sign>,
    /// Whether an answer of the API server is this problem.
    pub(crate) answers: fn(&ClusterError) -> bool,
    /// What happened, and what to do.
    pub(crate) words: fn(&Case<'_>) -> Words,
}

/// How long a sign must last before waiting is no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// No time.
    Now,
    /// So many seconds.
    After(u64),
    /// Seen so often on one pod; or now on so many pods, and at least three, since pods that wait for
    /// the same thing fail once together.
    Times(u32),
    /// So many seconds on two pods; twice as long on one.
    Likely(u64),
    /// It passes, or the rollout's own time ends.
    Wait,
    /// It is told, and the release is well.
    Warn,
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("at once"),
            Self::After(seconds) => write!(f, "once it has lasted {seconds} s"),
            Self::Times(1) => f.write_str("the first time"),
            Self::Times(times) => {
                write!(f, "once it has happened {times} times on one pod, or on three pods at once")
            }
            Self::Likely(seconds) => {
                write!(f, "once it has lasted {seconds} s on two pods, or {} s on one", 2 * seconds)
            }
            Self::Wait => f.write_str("not by itself: it mostly passes"),
            Self::Warn => f.write_str("never: the release goes on, and a warning tells it"),
        }
    }
}

/// A problem as a snapshot shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sign {
    /// `pod web-5d9…`.
    pub(crate) subject: String,
    /// Which of the app's processes.
    pub(crate) process: String,
    /// The cluster's words.
    pub(crate) message: String,
    /// The container's exit code.
    pub(crate) exit: Option<i32>,
    /// How often it happened.
    pub(crate) times: u32,
    /// It is so now, and not only in the past of what runs again.
    pub(crate) is_now: bool,
    /// Instead of the problem's own.
    pub(crate) patience: Option<Patience>,
}

/// One time that a problem was found.
pub(crate) struct Case<'a> {
    pub(crate) finding: &'a Finding,
    pub(crate) release: &'a Release,
}

/// What is told to people.
pub(crate) struct Words {
    pub(crate) what: String,
    pub(crate) fixes: Vec<String>,
    /// Shows more; none: `kubectl describe pods`.
    pub(crate) command: Option<String>,
}

impl Words {
    pub(crate) fn new<const N: usize>(what: impl Into<String>, fixes: [&str; N]) -> Self {
        Self { what: what.into(), fixes: fixes.map(str::to_owned).to_vec(), command: None }
    }

    pub(crate) fn look(self, command: String) -> Self {
        Self { command: Some(command), ..self }
    }
}

impl Problem {
    /// `WL-K8S-020`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("WL-K8S-{:03}", self.number)
    }
}

impl PartialEq for Problem {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// The one that an answer of the API server is.
#[must_use]
pub fn of_answer(error: &ClusterError) -> Option<&'static Problem> {
    KNOWN.iter().copied().find(|problem| (problem.answers)(error))
}

/// What is called where the time is up and nothing known is wrong.
#[must_use]
pub fn stalled() -> &'static Problem {
    table::STALLED
}

impl Case<'_> {
    pub(crate) fn app(&self) -> &str {
        &self.release.app.name
    }

    pub(crate) fn namespace(&self) -> String {
        self.release.app.namespace()
    }

    pub(crate) fn image(&self) -> String {
        self.release.image.by_digest()
    }

    pub(crate) fn process(&self) -> Option<&Process> {
        let runtime = &self.release.runtime;
        runtime.process(&self.finding.process).or_else(|| runtime.processes.first())
    }

    /// How a field of this process is said: `replicas`, or `processes.worker.replicas`.
    pub(crate) fn field(&self, name: &str) -> String {
        let process = self.process().map_or(crate::runtime::WEB, |process| &*process.name);
        let first = name.split('.').next().unwrap_or_default();
        match process == crate::runtime::WEB && AT_THE_TOP.contains(&first) {
            true => name.to_owned(),
            false => format!("processes.{process}.{name}"),
        }
    }

    /// The app, and of several processes which.
    pub(crate) fn who(&self) -> String {
        match self.process() {
            Some(process) if self.release.runtime.processes.len() > 1 => {
                format!("process `{}` of {}", process.name, self.app())
            }
            _ => "the app".to_owned(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.process().and_then(|process| process.port).unwrap_or(8080)
    }

    /// The pod's name.
    pub(crate) fn pod(&self) -> &str {
        self.finding.subject.strip_prefix("pod ").unwrap_or(&self.finding.subject)
    }

    /// What stands first in quotes in the cluster's words.
    pub(crate) fn quoted(&self) -> &str {
        self.finding.message.split('"').nth(1).unwrap_or("it")
    }

    /// What follows `after` in the cluster's words, up to a space.
    pub(crate) fn word_after(&self, after: &str) -> &str {
        let rest = self.finding.message.split_once(after).map_or("", |(_, rest)| rest);
        let word = rest.trim_start().split([' ', ',', ';']).next().unwrap_or_default();
        word.trim_matches(['"', '\'', '`', '.', ':'])
    }
}

/// What is said of `web` without its name.
const AT_THE_TOP: [&str; 6] = ["port", "env", "replicas", "resources", "health", "command"];

/// No answer is this problem.
pub(crate) fn no_answer(_: &ClusterError) -> bool {
    false
}

/// No snapshot shows this problem.
pub(crate) fn unseen(_: &Snapshot) -> Vec<Sign> {
    Vec::new()
}

/// Whether one of these words stands in a message; both lower-case.
pub(crate) fn has(message: &str, words: &[&str]) -> bool {
    words.iter().any(|word| message.contains(word))
}

/// Whether an HTTP status stands in a message, as a word of its own: digests hold any digits.
pub(crate) fn status(message: &str, codes: &[&str]) -> bool {
    message.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| codes.contains(&word))
}

/// A pod's own sign.
pub(crate) fn at(pod: &Pod, message: &str) -> Sign {
    Sign {
        subject: format!("pod {}", pod.name),
        process: pod.process.clone(),
        message: message.trim().to_owned(),
        times: 1,
        is_now: true,
        ..Sign::default()
    }
}

/// The sign of an object that is no pod.
pub(crate) fn of(kind: &str, name: &str, message: impl Into<String>) -> Sign {
    Sign { subject: format!("{kind} {name}"), message: message.into(), times: 1, ..Sign::default() }
}

/// The sign of a workload, which is a process of the app.
pub(crate) fn of_workload(workload: &Workload, message: impl Into<String>) -> Sign {
    let process = workload.process.clone();
    Sign { process, ..of(&workload.kind, &workload.name, message) }
}

/// The pod that a sign is of.
pub(crate) fn pod_of<'a>(seen: &'a Snapshot, sign: &Sign) -> Option<&'a Pod> {
    let name = sign.subject.strip_prefix("pod ")?;
    seen.pods.iter().find(|pod| pod.name == name)
}

/// Containers that wait for one of these reasons, in words like these; of those the first of a pod.
pub(crate) fn waiting(seen: &Snapshot, reasons: &[&str], says: fn(&str) -> bool) -> Vec<Sign> {
    let of_pod = |pod: &Pod| {
        pod.containers.iter().find_map(|container| {
            let (reason, message) = container.waiting.as_ref()?;
            (reasons.contains(&&**reason) && says(&unnamed(message).to_lowercase()))
                .then(|| at(pod, message))
        })
    };
    alive(seen).filter_map(of_pod).collect()
}

/// Without the images and addresses that a message names: an app may be called `certificate-api`.
fn unnamed(message: &str) -> String {
    let is_name =
        |word: &&str| word.contains("://") || word.contains('/') && word.contains(['"', ':', '@']);
    message.split(' ').filter(|word| !is_name(word)).collect::<Vec<_>>().join(" ")
}

/// A kubelet that has not seen a new pull secret yet pulls without it, says so a moment later, and
/// tries again: what the registry answers then counts only once it lasts.
pub(crate) fn once_the_secret_is_there(seen: &Snapshot, signs: &mut [Sign]) {
    for sign in signs {
        let pod = pod_of(seen, sign);
        let warned = seen.warnings.iter().any(|warning| {
            pod.is_some_and(|pod| pod.name == warning.pod)
                && warning.reason == "FailedToRetrieveImagePullSecret"
        });
        sign.patience = match (warned, pod.is_some_and(|pod| pod.has_pull_secret)) {
            (true, _) => Some(Patience::After(20)),
            (false, true) => Some(Patience::After(4)),
            (false, false) => None,
        };
    }
}

/// What a node says while it cannot pull.
pub(crate) const PULL: &[&str] = &["ErrImagePull", "ImagePullBackOff"];

/// What a node says while it cannot make a container.
pub(crate) const CREATE: &[&str] = &["CreateContainerConfigError", "CreateContainerError"];

/// Pods that the kubelet has not ended for the node's own reasons.
pub(crate) fn alive(seen: &Snapshot) -> impl Iterator<Item = &Pod> {
    seen.pods.iter().filter(|pod| pod.ended.is_none())
}

/// Containers that ended like this. `times`: how often, the end that is now included.
pub(crate) fn ended(
    seen: &Snapshot,
    is: fn(&Snapshot, &Pod, &Container, &Terminated) -> bool,
) -> Vec<Sign> {
    let of_pod = |pod: &Pod| {
        pod.containers.iter().find_map(|container| {
            let looping =
                container.waiting.as_ref().is_some_and(|(why, _)| why == "CrashLoopBackOff");
            let end = container.terminated.as_ref().or(container.last.as_ref())?;
            // An init container that ended well, and a sidecar's past.
            if container.init && end.exit == 0 || !is(seen, pod, container, end) {
                return None;
            }
            let now = u32::from(looping || container.terminated.is_some());
            // What runs and gets requests may have ended long ago: a release that leaves pods as they
            // are finds them with all their past.
            if now == 0 && pod.ready {
                return None;
            }
            let mut sign = at(pod, &end.message);
            (sign.times, sign.exit) = (container.restarts + now, Some(end.exit));
            sign.is_now = now > 0;
            Some(sign)
        })
    };
    alive(seen).filter_map(of_pod).collect()
}

/// The scheduler's words for a node without the wanted labels.
pub(crate) const SELECTOR: &str = "didn't match Pod's node affinity/selector";

/// Pods that no node takes, in words like these. A node that is lost or comes back says so as a
/// taint of `node.kubernetes.io`: that passes.
pub(crate) fn unscheduled(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Sign> {
    let of_pod = |pod: &Pod| {
        let message = pod.unschedulable.as_ref()?;
        if message.contains("node.kubernetes.io/") || !says(message) {
            return None;
        }
        let taint = message.contains("untolerated taint");
        if taint && message.contains(SELECTOR) && pod.has_matching_node == Some(true) {
            // Those without the labels are not meant: the taint is what keeps it off.
            return says("untolerated taint").then(|| at(pod, message));
        }
        let mut sign = at(pod, message);
        if pod.is_scaling_up {
            sign.patience = Some(Patience::After(120));
        }
        Some(sign)
    };
    alive(seen).filter_map(of_pod).collect()
}

/// The newest warning of a pod that is not ready, of this reason and in words like these.
pub(crate) fn warned(seen: &Snapshot, reason: &str, says: fn(&str) -> bool) -> Vec<Sign> {
    let of_pod = |pod: &Pod| {
        let mut of_pod = seen.warnings.iter().filter(|warning| warning.pod == pod.name);
        let newest = of_pod.rfind(|warning| warning.reason == reason)?;
        (!pod.ready && says(&newest.message.to_lowercase())).then(|| at(pod, &newest.message))
    };
    alive(seen).filter_map(of_pod).collect()
}

/// The same, while no container of the pod was made yet.
pub(crate) fn warned_before_start(
    seen: &Snapshot,
    reason: &str,
    says: fn(&str) -> bool,
) -> Vec<Sign> {
    let starting = |pod: &Pod| {
        pod.containers.is_empty()
            || pod.containers.iter().any(|container| {
                let waiting = container.waiting.as_ref().map(|(why, _)| &**why);
                matches!(waiting, Some("ContainerCreating" | "PodInitializing"))
            })
    };
    let mut signs = warned(seen, reason, says);
    signs.retain(|sign| pod_of(seen, sign).is_some_and(starting));
    signs
}

/// Workloads whose pods the API server refuses, in words like these.
pub(crate) fn refused(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Sign> {
    let refused = |workload: &Workload| {
        let message = workload.refused.as_ref()?;
        says(&message.to_lowercase()).then(|| of_workload(workload, message))
    };
    seen.workloads.iter().filter_map(refused).collect()
}

/// Whether the API server refused an object in words like these.
pub(crate) fn rejected(error: &ClusterError, says: fn(&str) -> bool) -> bool {
    match error {
        ClusterError::Rejected { message, .. } => says(&message.to_lowercase()),
        _ => false,
    }
}

/// Containers that were not started, in words like these.
pub(crate) fn start_errors(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Sign> {
    let mut signs =
        ended(seen, |_, _, _, end| matches!(&*end.reason, "StartError" | "ContainerCannotRun"));
    signs.retain(|sign| says(&sign.message.to_lowercase()));
    signs
}

/// A LimitRange's words, lower-case (`plugin/pkg/admission/limitranger`).
pub(crate) fn limits(message: &str) -> bool {
    has(message, &["minimum ", "maximum ", "limit to request ratio"])
        && has(message, &[" per container is", " per pod is", " per persistentvolumeclaim is"])
}

/// A policy's words, lower-case: a webhook's, or a ValidatingAdmissionPolicy's.
pub(crate) fn denied(message: &str) -> bool {
    message.contains("admission webhook") && message.contains("denied")
        || message.contains("validatingadmissionpolicy") && message.contains("denied request")
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
