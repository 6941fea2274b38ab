//! Queries by which problems find their symptoms in a snapshot, and recognise answers of the API server.

use super::{Debounce, Symptom};
use crate::snapshot::{Container, Pod, STARTING, Snapshot, Terminated, Workload};
use windlass_model::error::ClusterError;

/// Returns false: no answer of the API server is this problem.
pub(crate) fn no_answer(_: &ClusterError) -> bool {
    false
}

/// Returns nothing: no snapshot shows this problem.
pub(crate) fn unseen(_: &Snapshot) -> Vec<Symptom> {
    Vec::new()
}

/// Returns whether a message contains one of these phrases. Both are lower-case.
pub(crate) fn has(message: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|word| message.contains(word))
}

/// Returns whether an HTTP status stands in a message as a word of its own: digests hold any digits.
pub(crate) fn status(message: &str, codes: &[&str]) -> bool {
    message.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| codes.contains(&word))
}

/// Returns the symptom of a pod.
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

/// Returns the symptom of an object that is no pod.
pub(crate) fn of(kind: &str, name: &str, message: impl Into<String>) -> Symptom {
    Symptom {
        subject: format!("{kind} {name}"),
        message: message.into(),
        times: 1,
        ..Symptom::default()
    }
}

/// Returns the symptom of a workload, which is a process of the app.
pub(crate) fn of_workload(workload: &Workload, message: impl Into<String>) -> Symptom {
    let process = workload.process.clone();
    Symptom { process, ..of(&workload.kind, &workload.name, message) }
}

/// Returns the pod that shows a symptom.
pub(crate) fn pod_of<'a>(snapshot: &'a Snapshot, symptom: &Symptom) -> Option<&'a Pod> {
    let name = symptom.subject.strip_prefix("pod ")?;
    snapshot.pods.iter().find(|pod| pod.name == name)
}

/// Returns the pods that the kubelet has not ended for the node's own reasons.
pub(crate) fn alive(snapshot: &Snapshot) -> impl Iterator<Item = &Pod> {
    snapshot.pods.iter().filter(|pod| pod.ended.is_none())
}

/// Reasons of a container whose image the node cannot pull.
pub(crate) const PULL: &[&str] = &["ErrImagePull", "ImagePullBackOff"];

/// Reasons of a container that the node cannot make.
pub(crate) const CREATE: &[&str] = &["CreateContainerConfigError", "CreateContainerError"];

/// Returns the first container of each pod that waits for one of these reasons with a message that matches.
pub(crate) fn waiting(
    snapshot: &Snapshot,
    reasons: &[&str],
    matches: fn(&str) -> bool,
) -> Vec<Symptom> {
    waits(snapshot, |reason, message| {
        (reasons.contains(&reason) && matches(&unnamed(message).to_lowercase()))
            .then(|| message.to_owned())
    })
}

/// Returns the first waiting container of each pod for which `message_of` makes a symptom's message of its
/// reason and message.
pub(crate) fn waits(
    snapshot: &Snapshot,
    message_of: impl Fn(&str, &str) -> Option<String>,
) -> Vec<Symptom> {
    let of_pod = |pod: &Pod| {
        pod.containers.iter().find_map(|container| {
            let (reason, message) = container.waiting.as_ref()?;
            let message = cause(snapshot, pod, reason, message);
            message_of(reason, message).map(|message| at(pod, &message))
        })
    };
    alive(snapshot).filter_map(of_pod).collect()
}

/// Returns the cluster's message for a container that waits. While a kubelet older than 1.32 backs off from a
/// pull, it names no cause: the event `Failed` of its last attempt does.
fn cause<'a>(snapshot: &'a Snapshot, pod: &Pod, reason: &str, message: &'a str) -> &'a str {
    let image = message.trim().strip_prefix("Back-off pulling image ");
    // With a cause it goes on after the image's name in quotes.
    let bare = image.filter(|image| image.ends_with('"') && image.matches('"').count() == 2);
    let Some(image) = bare.filter(|_| reason == "ImagePullBackOff") else { return message };
    let failed = format!("Failed to pull image {image}");
    let attempt = snapshot.warnings.iter().rfind(|warning| {
        warning.pod == pod.name && warning.reason == "Failed" && warning.message.contains(&failed)
    });
    attempt.map_or(message, |warning| &*warning.message)
}

/// Returns a message without the images and addresses in it: an app's name may be `certificate-api`.
fn unnamed(message: &str) -> String {
    let is_name =
        |word: &&str| word.contains("://") || word.contains('/') && word.contains(['"', ':', '@']);
    message.split(' ').filter(|word| !is_name(word)).collect::<Vec<_>>().join(" ")
}

/// Lets a registry's refusal count only once it lasts. A kubelet that has not seen a new pull secret yet
/// pulls without it, warns of that a moment later, and tries again.
pub(crate) fn once_the_secret_is_there(snapshot: &Snapshot, symptoms: &mut [Symptom]) {
    for symptom in symptoms {
        let pod = pod_of(snapshot, symptom);
        let warned = snapshot.warnings.iter().any(|warning| {
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

/// Returns the container of each pod that ended like this most often: a sidecar that ended once must not hide
/// an app that crashes now. `times` of the symptom includes the end that is now.
pub(crate) fn ended(
    snapshot: &Snapshot,
    is: fn(&Snapshot, &Pod, &Container, &Terminated) -> bool,
) -> Vec<Symptom> {
    let of_container = |pod: &Pod, container: &Container| {
        let end = container.terminated.as_ref().or(container.last.as_ref())?;
        if container.has_done() || !is(snapshot, pod, container, end) {
            return None;
        }
        // A container that runs and gets requests may have ended long ago: a release that leaves pods as
        // they are finds them with all their past.
        if !container.has_ended() && pod.ready {
            return None;
        }
        let mut symptom = at(pod, &end.message);
        (symptom.times, symptom.exit) = (container.ends(), Some(end.exit));
        symptom.is_now = container.has_ended();
        Some(symptom)
    };
    worst(snapshot, of_container)
}

/// Returns containers like these whose restart the node puts off (`CrashLoopBackOff`) without showing their
/// last end.
pub(crate) fn backing_off_unseen(snapshot: &Snapshot, is: fn(&Container) -> bool) -> Vec<Symptom> {
    let of_container = |pod: &Pod, container: &Container| {
        let (_, message) = container.waiting.as_ref()?;
        let is_known = container.terminated.is_some() || container.last.is_some();
        if is_known || !container.is_backed_off() || !is(container) {
            return None;
        }
        Some(Symptom { times: container.ends(), ..at(pod, message) })
    };
    worst(snapshot, of_container)
}

/// Returns one symptom a pod: one that is now before one of the past, then the one with the most ends. Among
/// equals it is the first container's.
fn worst(
    snapshot: &Snapshot,
    of_container: impl Fn(&Pod, &Container) -> Option<Symptom>,
) -> Vec<Symptom> {
    let of_pod = |pod: &Pod| {
        let symptoms = pod.containers.iter().rev().filter_map(|one| of_container(pod, one));
        symptoms.max_by_key(|symptom| (symptom.is_now, symptom.times))
    };
    alive(snapshot).filter_map(of_pod).collect()
}

/// Returns containers that were not started, with a message that matches.
pub(crate) fn start_errors(snapshot: &Snapshot, matches: fn(&str) -> bool) -> Vec<Symptom> {
    let mut symptoms =
        ended(snapshot, |_, _, _, end| matches!(&*end.reason, "StartError" | "ContainerCannotRun"));
    symptoms.retain(|symptom| matches(&symptom.message.to_lowercase()));
    symptoms
}

/// Message of the scheduler for a node without the wanted labels.
const SELECTOR: &str = "didn't match Pod's node affinity/selector";

/// Returns pods that no node takes, with a message that matches. A node that is lost or comes back has a
/// taint of `node.kubernetes.io`: that passes.
pub(crate) fn unscheduled(snapshot: &Snapshot, matches: fn(&str) -> bool) -> Vec<Symptom> {
    let of_pod = |pod: &Pod| {
        let message = pod.unschedulable.as_ref()?;
        if message.contains("node.kubernetes.io/") || !matches(message) {
            return None;
        }
        let taint = message.contains("untolerated taint");
        if taint && message.contains(SELECTOR) && pod.has_matching_node == Some(true) {
            // Nodes without the labels are not meant: the taint is what keeps the pod off.
            return matches("untolerated taint").then(|| at(pod, message));
        }
        let mut symptom = at(pod, message);
        if pod.is_scaling_up {
            symptom.debounce = Some(Debounce::After(120));
        }
        Some(symptom)
    };
    alive(snapshot).filter_map(of_pod).collect()
}

/// Returns pods of which a container is still to be made, and whose newest warning of this reason matches.
pub(crate) fn warned_before_start(
    snapshot: &Snapshot,
    reason: &str,
    matches: fn(&str) -> bool,
) -> Vec<Symptom> {
    let is_starting = |pod: &Pod| {
        pod.containers.is_empty()
            || pod.containers.iter().any(|container| {
                let waiting = container.waiting.as_ref();
                waiting.is_some_and(|(reason, _)| STARTING.contains(&&**reason))
            })
    };
    let of_pod = |pod: &Pod| {
        let mut of_pod = snapshot.warnings.iter().filter(|warning| warning.pod == pod.name);
        let newest = of_pod.rfind(|warning| warning.reason == reason)?;
        let is_meant = !pod.ready && is_starting(pod) && matches(&newest.message.to_lowercase());
        is_meant.then(|| at(pod, &newest.message))
    };
    alive(snapshot).filter_map(of_pod).collect()
}

/// Returns workloads whose pods the API server refuses, with a message that matches.
pub(crate) fn refused(snapshot: &Snapshot, matches: fn(&str) -> bool) -> Vec<Symptom> {
    let refused = |workload: &Workload| {
        let message = workload.refused.as_ref()?;
        matches(&message.to_lowercase()).then(|| of_workload(workload, message))
    };
    snapshot.workloads.iter().filter_map(refused).collect()
}

/// Returns whether the API server refused an object with a message that matches.
pub(crate) fn rejected(error: &ClusterError, matches: fn(&str) -> bool) -> bool {
    match error {
        ClusterError::Rejected { message, .. } => matches(&message.to_lowercase()),
        _ => false,
    }
}

/// Returns whether a lower-case message is a LimitRange's (`plugin/pkg/admission/limitranger`).
pub(crate) fn limits(message: &str) -> bool {
    has(message, &["minimum ", "maximum ", "limit to request ratio"])
        && has(message, &[" per container is", " per pod is", " per persistentvolumeclaim is"])
}

/// Returns whether a lower-case message is a policy's: a webhook's, or a ValidatingAdmissionPolicy's.
pub(crate) fn denied(message: &str) -> bool {
    message.contains("admission webhook") && message.contains("denied")
        || message.contains("validatingadmissionpolicy") && message.contains("denied request")
}
