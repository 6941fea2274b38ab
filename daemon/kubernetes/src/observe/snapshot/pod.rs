//! Converts a pod to the part of the snapshot that the judge reads.

use crate::observe::facts::is_ready;
use k8s_openapi::api::core::v1::{
    Container as K8sContainer, ContainerStateTerminated, ContainerStatus, Pod as K8sPod, Probe,
};
use windlass_rollout::snapshot::{Container, Pod, Terminated};

/// Converts a pod. The caller adds workload and process.
pub(super) fn read(pod: &K8sPod) -> Pod {
    let status = pod.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let unschedulable = conditions
        .iter()
        .find(|c| c.type_ == "PodScheduled" && c.reason.as_deref() == Some("Unschedulable"))
        .and_then(|condition| condition.message.clone());
    let of = |statuses: Option<&Option<Vec<ContainerStatus>>>, init: bool| {
        let statuses = statuses.and_then(Option::as_ref).into_iter().flatten();
        statuses
            .map(|status| Container {
                sidecar: init && is_sidecar(pod, &status.name),
                ..container(status, init)
            })
            .collect::<Vec<_>>()
    };
    let mut containers = of(status.map(|status| &status.init_container_statuses), true);
    containers.extend(of(status.map(|status| &status.container_statuses), false));
    // The kubelet's own reasons, or those of what disrupts pods.
    let disrupted = conditions
        .iter()
        .find(|one| one.type_ == "DisruptionTarget" && one.status == "True")
        .map(|one| (one.reason.clone(), one.message.clone()));
    let ended =
        status.filter(|status| status.phase.as_deref() == Some("Failed")).and_then(|status| {
            let (reason, message) = match &status.reason {
                Some(reason) => (Some(reason.clone()), status.message.clone()),
                None => disrupted?,
            };
            Some((reason.unwrap_or_default(), message.unwrap_or_default()))
        });
    Pod {
        name: pod.metadata.name.clone().unwrap_or_default(),
        process: String::new(),
        workload: String::new(),
        ready: is_ready(pod),
        ended,
        has_pull_secret: pod.spec.as_ref().is_some_and(|spec| {
            spec.image_pull_secrets.as_ref().is_some_and(|secrets| !secrets.is_empty())
        }),
        unschedulable,
        // The scheduler has chosen a node on which others of lower priority end for it.
        is_scaling_up: status
            .and_then(|status| status.nominated_node_name.as_ref())
            .is_some_and(|node| !node.is_empty()),
        has_matching_node: None,
        startup_failures: least_failures(pod, |one| one.startup_probe.as_ref()),
        has_liveness: containers_of(pod).any(|one| one.liveness_probe.is_some()),
        liveness_failures: least_failures(pod, |one| one.liveness_probe.as_ref()),
        liveness_seconds: liveness_seconds(pod),
        containers,
    }
}

fn is_sidecar(pod: &K8sPod, name: &str) -> bool {
    let init = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_ref());
    init.into_iter()
        .flatten()
        .any(|one| one.name == name && one.restart_policy.as_deref() == Some("Always"))
}

fn containers_of(pod: &K8sPod) -> impl Iterator<Item = &K8sContainer> {
    pod.spec.as_ref().map(|spec| &spec.containers).into_iter().flatten()
}

/// Returns the least `failureThreshold` among one kind of probe of a pod's containers. 0 means that no
/// container has such a probe.
fn least_failures(pod: &K8sPod, probe: fn(&K8sContainer) -> Option<&Probe>) -> u32 {
    let probes = containers_of(pod).filter_map(probe);
    // 3: the API's default.
    let least = probes.map(|probe| probe.failure_threshold.unwrap_or(3)).min();
    u32::try_from(least.unwrap_or_default()).unwrap_or_default()
}

/// Returns the least number of seconds after which a failing liveness probe restarts a container of the pod. 0
/// means that no container has one.
fn liveness_seconds(pod: &K8sPod) -> u32 {
    let probes = containers_of(pod).filter_map(|one| one.liveness_probe.as_ref());
    let least = probes.map(|probe| {
        // The API's defaults.
        let period = probe.period_seconds.unwrap_or(10);
        let failures = probe.failure_threshold.unwrap_or(3);
        let again = period.saturating_mul(failures.saturating_sub(1));
        probe.initial_delay_seconds.unwrap_or(0).saturating_add(again)
    });
    u32::try_from(least.min().unwrap_or_default()).unwrap_or_default()
}

fn seconds(ended: &ContainerStateTerminated) -> Option<u32> {
    let from = ended.started_at.as_ref()?.0;
    let to = ended.finished_at.as_ref()?.0;
    u32::try_from(to.as_second().saturating_sub(from.as_second())).ok()
}

fn container(status: &ContainerStatus, init: bool) -> Container {
    let ended = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| {
        state.and_then(|state| state.terminated.as_ref()).map(|ended| Terminated {
            reason: ended.reason.clone().unwrap_or_default(),
            exit: ended.exit_code,
            message: ended.message.clone().unwrap_or_default(),
            seconds: seconds(ended).unwrap_or_default(),
        })
    };
    let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
    Container {
        name: status.name.clone(),
        init,
        sidecar: false,
        restarts: u32::try_from(status.restart_count).unwrap_or_default(),
        waiting: waiting.map(|waiting| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            (text(&waiting.reason), text(&waiting.message))
        }),
        terminated: ended(status.state.as_ref()),
        last: ended(status.last_state.as_ref()),
    }
}
