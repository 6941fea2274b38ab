//! Queries by which problems find their signs in a snapshot, and the API server's answers that are
//! theirs.

use super::{Debounce, Symptom};
use crate::snapshot::{Container, Pod, STARTING, Snapshot, Terminated, Workload};
use windlass_model::error::ClusterError;

/// No answer is this problem.
pub(crate) fn no_answer(_: &ClusterError) -> bool {
    false
}

/// No snapshot shows this problem.
pub(crate) fn unseen(_: &Snapshot) -> Vec<Symptom> {
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
pub(crate) fn at(pod: &Pod, message: &str) -> Symptom {
    Symptom {
        subject: format!("pod {}", pod.name),
        process: pod.process.clone(),
        message: message.trim().to_owned(),
        times: 1,
        is_now: true,
        ..Symptom::default()
    }
}

/// The sign of an object that is no pod.
pub(crate) fn of(kind: &str, name: &str, message: impl Into<String>) -> Symptom {
    Symptom {
        subject: format!("{kind} {name}"),
        message: message.into(),
        times: 1,
        ..Symptom::default()
    }
}

/// The sign of a workload, which is a process of the app.
pub(crate) fn of_workload(workload: &Workload, message: impl Into<String>) -> Symptom {
    let process = workload.process.clone();
    Symptom { process, ..of(&workload.kind, &workload.name, message) }
}

/// The pod that a sign is of.
pub(crate) fn pod_of<'a>(seen: &'a Snapshot, symptom: &Symptom) -> Option<&'a Pod> {
    let name = symptom.subject.strip_prefix("pod ")?;
    seen.pods.iter().find(|pod| pod.name == name)
}

/// Pods that the kubelet has not ended for the node's own reasons.
pub(crate) fn alive(seen: &Snapshot) -> impl Iterator<Item = &Pod> {
    seen.pods.iter().filter(|pod| pod.ended.is_none())
}

/// Reasons of a container whose image the node cannot pull.
pub(crate) const PULL: &[&str] = &["ErrImagePull", "ImagePullBackOff"];

/// Reasons of a container that the node cannot make.
pub(crate) const CREATE: &[&str] = &["CreateContainerConfigError", "CreateContainerError"];

/// Containers that wait for one of these reasons, in words like these; of each pod the first.
pub(crate) fn waiting(seen: &Snapshot, reasons: &[&str], says: fn(&str) -> bool) -> Vec<Symptom> {
    waits(seen, |reason, message| {
        (reasons.contains(&reason) && says(&unnamed(message).to_lowercase()))
            .then(|| message.to_owned())
    })
}

/// Returns the first waiting container of each pod for which `words` makes a sign's message of reason and
/// message.
pub(crate) fn waits(seen: &Snapshot, words: impl Fn(&str, &str) -> Option<String>) -> Vec<Symptom> {
    let of_pod = |pod: &Pod| {
        pod.containers.iter().find_map(|container| {
            let (reason, message) = container.waiting.as_ref()?;
            let message = cause(seen, pod, reason, message);
            words(reason, message).map(|message| at(pod, &message))
        })
    };
    alive(seen).filter_map(of_pod).collect()
}

/// Returns why a container waits, in the cluster's words. A kubelet older than 1.32 names no cause while
/// it backs off from a pull: the event `Failed` of its last attempt does.
fn cause<'a>(seen: &'a Snapshot, pod: &Pod, reason: &str, message: &'a str) -> &'a str {
    let image = message.trim().strip_prefix("Back-off pulling image ");
    // With a cause it goes on after the image's name in quotes.
    let bare = image.filter(|image| image.ends_with('"') && image.matches('"').count() == 2);
    let Some(image) = bare.filter(|_| reason == "ImagePullBackOff") else { return message };
    let failed = format!("Failed to pull image {image}");
    let attempt = seen.warnings.iter().rfind(|warning| {
        warning.pod == pod.name && warning.reason == "Failed" && warning.message.contains(&failed)
    });
    attempt.map_or(message, |warning| &*warning.message)
}

/// Without the images and addresses that a message names: an app may be called `certificate-api`.
fn unnamed(message: &str) -> String {
    let is_name =
        |word: &&str| word.contains("://") || word.contains('/') && word.contains(['"', ':', '@']);
    message.split(' ').filter(|word| !is_name(word)).collect::<Vec<_>>().join(" ")
}

/// A kubelet that has not seen a new pull secret yet pulls without it, says so a moment later, and
/// tries again: what the registry answers then counts only once it lasts.
pub(crate) fn once_the_secret_is_there(seen: &Snapshot, symptoms: &mut [Symptom]) {
    for symptom in symptoms {
        let pod = pod_of(seen, symptom);
        let warned = seen.warnings.iter().any(|warning| {
            pod.is_some_and(|pod| pod.name == warning.pod)
                && warning.reason == "FailedToRetrieveImagePullSecret"
        });
        symptom.debounce = match (warned, pod.is_some_and(|pod| pod.has_pull_secret)) {
            (true, _) => Some(Debounce::After(20)),
            (false, true) => Some(Debounce::After(4)),
            (false, false) => None,
        };
    }
}

/// Returns of each pod the container that ended like this most often: a sidecar that ended once must not
/// hide an app that crashes now. `times` of the sign counts the end that is now, too.
pub(crate) fn ended(
    seen: &Snapshot,
    is: fn(&Snapshot, &Pod, &Container, &Terminated) -> bool,
) -> Vec<Symptom> {
    let of_container = |pod: &Pod, container: &Container| {
        let end = container.terminated.as_ref().or(container.last.as_ref())?;
        if container.has_done() || !is(seen, pod, container, end) {
            return None;
        }
        // What runs and gets requests may have ended long ago: a release that leaves pods as they
        // are finds them with all their past.
        if !container.has_ended() && pod.ready {
            return None;
        }
        let mut symptom = at(pod, &end.message);
        (symptom.times, symptom.exit) = (container.ends(), Some(end.exit));
        symptom.is_now = container.has_ended();
        Some(symptom)
    };
    worst(seen, of_container)
}

/// Returns containers like these whose restart the node puts off (`CrashLoopBackOff`), and of whose last
/// end it shows nothing.
pub(crate) fn backing_off_unseen(seen: &Snapshot, is: fn(&Container) -> bool) -> Vec<Symptom> {
    let of_container = |pod: &Pod, container: &Container| {
        let (_, message) = container.waiting.as_ref()?;
        let is_known = container.terminated.is_some() || container.last.is_some();
        if is_known || !container.is_backed_off() || !is(container) {
            return None;
        }
        Some(Symptom { times: container.ends(), ..at(pod, message) })
    };
    worst(seen, of_container)
}

/// Returns one sign a pod: one that is now before one of the past, then the one with the most ends. Of
/// equals the first container's.
fn worst(
    seen: &Snapshot,
    of_container: impl Fn(&Pod, &Container) -> Option<Symptom>,
) -> Vec<Symptom> {
    let of_pod = |pod: &Pod| {
        let symptoms = pod.containers.iter().rev().filter_map(|one| of_container(pod, one));
        symptoms.max_by_key(|symptom| (symptom.is_now, symptom.times))
    };
    alive(seen).filter_map(of_pod).collect()
}

/// Containers that were not started, in words like these.
pub(crate) fn start_errors(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Symptom> {
    let mut symptoms =
        ended(seen, |_, _, _, end| matches!(&*end.reason, "StartError" | "ContainerCannotRun"));
    symptoms.retain(|symptom| says(&symptom.message.to_lowercase()));
    symptoms
}

/// The scheduler's words for a node without the wanted labels.
const SELECTOR: &str = "didn't match Pod's node affinity/selector";

/// Pods that no node takes, in words like these. A node that is lost or comes back says so as a
/// taint of `node.kubernetes.io`: that passes.
pub(crate) fn unscheduled(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Symptom> {
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
        let mut symptom = at(pod, message);
        if pod.is_scaling_up {
            symptom.debounce = Some(Debounce::After(120));
        }
        Some(symptom)
    };
    alive(seen).filter_map(of_pod).collect()
}

/// Returns pods of which a container is still to be made, and whose newest warning of this reason is in
/// words like these.
pub(crate) fn warned_before_start(
    seen: &Snapshot,
    reason: &str,
    says: fn(&str) -> bool,
) -> Vec<Symptom> {
    let is_starting = |pod: &Pod| {
        pod.containers.is_empty()
            || pod.containers.iter().any(|container| {
                let waiting = container.waiting.as_ref();
                waiting.is_some_and(|(reason, _)| STARTING.contains(&&**reason))
            })
    };
    let of_pod = |pod: &Pod| {
        let mut of_pod = seen.warnings.iter().filter(|warning| warning.pod == pod.name);
        let newest = of_pod.rfind(|warning| warning.reason == reason)?;
        let is_meant = !pod.ready && is_starting(pod) && says(&newest.message.to_lowercase());
        is_meant.then(|| at(pod, &newest.message))
    };
    alive(seen).filter_map(of_pod).collect()
}

/// Workloads whose pods the API server refuses, in words like these.
pub(crate) fn refused(seen: &Snapshot, says: fn(&str) -> bool) -> Vec<Symptom> {
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
