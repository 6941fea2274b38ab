//! Snapshot of what a cluster shows of one release. The adapter makes it, the judge reads it.

use serde::{Deserialize, Serialize};

/// Reason of a waiting container while its image is pulled and its volumes are mounted.
pub(crate) const CREATING: &str = "ContainerCreating";

/// Reasons of a waiting container of which the node has made nothing yet.
pub(crate) const STARTING: [&str; 2] = [CREATING, "PodInitializing"];

/// Text for a workload that waits until somebody resumes it.
pub(crate) const PAUSED: &str = "is paused until somebody resumes it";

/// Snapshot of what the cluster shows of one release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshot {
    /// All workloads of the release. One that the cluster does not show yet has no revision.
    pub workloads: Vec<Workload>,
    /// Pods of the new version alone.
    pub pods: Vec<Pod>,
    /// Warnings about `pods`, and about pods that could not be made.
    pub warnings: Vec<Warning>,
    pub routes: Vec<Route>,
    pub services: Vec<Service>,
    pub autoscalers: Vec<Autoscaler>,
    /// Pods of the app, of whatever version, that have a `deletionTimestamp` and are still there.
    pub ending: u32,
}

/// A Deployment, StatefulSet, DaemonSet or Job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workload {
    /// `kind`: `Deployment`, `StatefulSet`, `DaemonSet` or `Job`.
    pub kind: String,
    pub name: String,
    /// Process of the app that the workload runs. Empty for the repository's own manifests.
    pub process: String,
    /// Id of the release whose objects the cluster shows. Until it is this release, all other fields are
    /// about the past.
    pub revision: String,
    /// `observedGeneration` is the newest: the controller has seen the newest spec.
    pub observed: bool,
    /// Pods that the spec wants: `replicas`.
    pub wanted: u32,
    /// All pods, old and new.
    pub total: u32,
    /// Pods of the new version.
    pub updated: u32,
    /// Pods of the new version that are ready.
    pub ready: u32,
    /// Pods that were ready long enough.
    pub available: u32,
    /// The controller reports that no pod of another version is left: a Deployment's
    /// `NewReplicaSetAvailable`, a StatefulSet's `currentRevision`, a Job's `Complete`.
    pub is_complete: bool,
    /// Reason and message of a workload that does not go on: a Deployment's `ProgressDeadlineExceeded`, a
    /// Job's `Failed`.
    pub failed: Option<(String, String)>,
    /// Message with which the API server refuses new pods.
    pub refused: Option<String>,
    /// `spec.paused` of a Deployment, `spec.suspend` of a Job: it waits until somebody resumes it.
    pub paused: bool,
    /// Pod of another version that the controller waits for. That pod is not ready, and is not replaced.
    pub blocked: Option<String>,
}

/// One pod of the new version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pod {
    pub name: String,
    /// Process of the app that the pod runs.
    pub process: String,
    /// Name of the pod's workload. Empty means that it is not known.
    pub workload: String,
    /// Condition `Ready`: the pod gets requests.
    pub ready: bool,
    /// Reason and message with which the kubelet ended the pod: `Evicted`, `NodeShutdown` …
    pub ended: Option<(String, String)>,
    /// `imagePullSecrets` names a `Secret`, which the pod's node may not have seen yet.
    pub has_pull_secret: bool,
    /// Message of the condition `PodScheduled` while no node takes the pod.
    pub unschedulable: Option<String>,
    /// The cluster makes room for the pod: an autoscaler adds a node, or pods of a lower priority give way.
    pub is_scaling_up: bool,
    /// Some node has the labels that the pod wants. `None` means that nobody knows. The scheduler does not
    /// look at the labels of a node whose taint keeps the pod off.
    pub has_matching_node: Option<bool>,
    /// `failureThreshold` of the startup probe. 0 means that the pod has no startup probe.
    pub startup_failures: u32,
    /// `livenessProbe` of a container may have it killed.
    pub has_liveness: bool,
    /// `failureThreshold` of the liveness probe, the least of several. 0 means that the pod has none.
    pub liveness_failures: u32,
    /// Seconds from a container's start after which its liveness probe may have failed so often, the least of
    /// several. 0 means that the pod has none, or that the first failure is enough.
    pub liveness_seconds: u32,
    /// Containers of the pod, those of init included.
    pub containers: Vec<Container>,
}

/// State of one container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    pub name: String,
    /// One of `initContainers`: it runs before the others and ends, unless it is a sidecar.
    pub init: bool,
    /// `restartPolicy: Always` of an init container: it runs beside the others, and must not end.
    pub sidecar: bool,
    /// `restartCount`.
    pub restarts: u32,
    /// `state.waiting`: reason and message while the container waits.
    pub waiting: Option<(String, String)>,
    /// `state.terminated`: its end, if the container does not run now.
    pub terminated: Option<Terminated>,
    /// `lastState.terminated`: the end before.
    pub last: Option<Terminated>,
}

/// End of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terminated {
    /// `Error`, `OOMKilled`, `StartError` …
    pub reason: String,
    /// `exitCode`.
    pub exit: i32,
    /// Termination message: often the end of the container's log.
    pub message: String,
    /// Seconds from `startedAt` to `finishedAt`.
    pub seconds: u32,
}

/// A Warning event of Kubernetes, or the kubelet's event `Killing` of a container whose probe failed, which is of
/// type Normal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Warning {
    /// Pod that the warning is about. Empty means that no pod could be made.
    pub pod: String,
    /// `Unhealthy`, `FailedMount` …
    pub reason: String,
    pub message: String,
    /// `count`. The kubelet stops counting after some 25.
    pub count: u32,
}

/// An HTTPRoute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    pub name: String,
    /// Every gateway in `parentRefs` has accepted the route as it is now.
    pub accepted: bool,
    /// Reason and message of conditions that are false.
    pub refused: Vec<(String, String)>,
}

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    pub name: String,
    /// Ready addresses in the Service's `EndpointSlices`. `None` means that they are not counted yet.
    pub endpoints: Option<u32>,
    /// The Service is of type `LoadBalancer`, and has no address yet.
    pub is_pending: bool,
}

/// A HorizontalPodAutoscaler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Autoscaler {
    pub name: String,
    /// Message of the condition `ScalingActive` if that is false: the autoscaler does not know the load.
    pub inactive: Option<String>,
    /// Message of the condition `AbleToScale` if that is false: the autoscaler cannot change the number of
    /// pods.
    pub unable: Option<String>,
}

impl Snapshot {
    /// Returns the ready pods of the new version, and the pods that are wanted, of all workloads.
    #[must_use]
    pub fn progress(&self) -> (u32, u32) {
        let sum = |count: fn(&Workload) -> u32| self.workloads.iter().map(count).sum();
        (sum(|workload| workload.ready), sum(|workload| workload.wanted))
    }

    /// Returns whether pods end, come up, or do what ends by itself: room that others wait for may come of
    /// that.
    pub(crate) fn is_moving(&self) -> bool {
        let works = |one: &Workload| {
            let has_ended = one.is_complete || one.failed.is_some();
            one.kind == "Job" && !has_ended && !one.paused && one.refused.is_none()
        };
        self.ending > 0
            || self.pods.iter().any(|pod| !pod.ready && pod.ended.is_none())
            || self.workloads.iter().any(works)
    }

    /// Returns whether every workload in the cluster is of this release.
    #[must_use]
    pub fn is_of(&self, release: &str) -> bool {
        !self.workloads.is_empty()
            && self.workloads.iter().all(|one| one.revision == release && one.observed)
    }
}

impl Pod {
    /// Returns whether the node pulls the pod's image, or mounts its volumes.
    pub(crate) fn is_being_made(&self) -> bool {
        self.containers.iter().any(|container| {
            container.waiting.as_ref().is_some_and(|(reason, _)| reason == CREATING)
        })
    }

    /// Returns what holds the pod up, in the words of the scheduler or of its node. `None` means that the pod
    /// is ready, or that its status names no reason.
    pub(crate) fn held_up(&self) -> Option<String> {
        if self.ready || self.ended.is_some() {
            return None;
        }
        if let Some(message) = &self.unschedulable {
            return Some(format!("no node takes pod {}: {message}", self.name));
        }
        self.containers.iter().find_map(|container| {
            let (reason, message) = container.waiting.as_ref()?;
            if STARTING.contains(&&**reason) {
                return None;
            }
            let waits =
                format!("container {} of pod {} waits: {reason}", container.name, self.name);
            Some(if message.is_empty() { waits } else { format!("{waits}: {message}") })
        })
    }
}

impl Container {
    /// Returns whether the node puts the container's next start off, since it ended before.
    pub(crate) fn is_backed_off(&self) -> bool {
        self.waiting.as_ref().is_some_and(|(reason, _)| reason == "CrashLoopBackOff")
    }

    /// Returns whether this is an init container that ended with 0 and will not run again. In its back-off
    /// after an end with 0 the kubelet shows a sidecar in the same way.
    pub(crate) fn has_done(&self) -> bool {
        let end = self.terminated.as_ref().or(self.last.as_ref());
        let has_succeeded = end.is_some_and(|end| end.exit == 0);
        self.init && !self.sidecar && has_succeeded && !self.is_backed_off()
    }

    /// Returns whether the container's last run has ended and the next one has not begun.
    pub(crate) fn has_ended(&self) -> bool {
        self.terminated.is_some() || self.is_backed_off()
    }

    /// Returns how often the container has ended.
    pub(crate) fn ends(&self) -> u32 {
        self.restarts.saturating_add(u32::from(self.has_ended()))
    }
}

impl Workload {
    /// Returns whether the workload is rolled out, by the rule of `kubectl rollout status`: old pods are
    /// deleted, new ones are available.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        match &*self.kind {
            "Job" => self.is_complete,
            _ => {
                self.updated >= self.wanted
                    && self.total <= self.updated
                    && self.available >= self.wanted
                    && self.is_complete
            }
        }
    }
}
