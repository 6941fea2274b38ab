//! What a cluster shows of one release: read by the judge, made by the adapter.

use serde::{Deserialize, Serialize};

/// Reason of a waiting container while its image is pulled and its volumes are mounted.
pub(crate) const CREATING: &str = "ContainerCreating";

/// Reasons of a waiting container of which the node has made nothing yet.
pub(crate) const STARTING: [&str; 2] = [CREATING, "PodInitializing"];

/// Words for a workload that waits until somebody resumes it.
pub(crate) const PAUSED: &str = "is paused until somebody resumes it";

/// What the cluster shows of one release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshot {
    /// All that the release runs; one that the cluster does not show yet has no revision.
    pub workloads: Vec<Workload>,
    /// Only those of the new version.
    pub pods: Vec<Pod>,
    /// Warnings about those pods.
    pub warnings: Vec<Warning>,
    /// What leads requests to the app from outside.
    pub routes: Vec<Route>,
    /// What leads requests to pods.
    pub services: Vec<Service>,
    /// What adds pods under load.
    pub autoscalers: Vec<Autoscaler>,
    /// Pods of the app, of whatever version, that are told to end and are still there.
    pub ending: u32,
}

/// A Deployment, StatefulSet, DaemonSet or Job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workload {
    /// `Deployment` …
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Which of the app's processes it is; empty for objects of the repository's own.
    pub process: String,
    /// Whose render the cluster shows; until it is ours, all else is about the past.
    pub revision: String,
    /// Its controller has seen the newest spec.
    pub observed: bool,
    /// Pods that the spec wants.
    pub wanted: u32,
    /// All pods, old and new.
    pub total: u32,
    /// Pods of the new version.
    pub updated: u32,
    /// Pods of the new version that are ready.
    pub ready: u32,
    /// Pods that were ready long enough.
    pub available: u32,
    /// Its controller says that the new version is all there is: a Deployment's
    /// NewReplicaSetAvailable, a StatefulSet's current revision, a Job's Complete.
    pub is_complete: bool,
    /// It does not go on: a Deployment's ProgressDeadlineExceeded, a Job's Failed.
    pub failed: Option<(String, String)>,
    /// Why new pods cannot be made.
    pub refused: Option<String>,
    /// `spec.paused` of a Deployment, `spec.suspend` of a Job: it waits until somebody resumes it.
    pub paused: bool,
    /// The pod of another version that its controller waits for: it is not ready, and is not replaced.
    pub blocked: Option<String>,
}

/// One pod of the new version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Which of the app's processes it is.
    pub process: String,
    /// The name of the workload that it is of; empty where that is not known.
    pub workload: String,
    /// It gets requests.
    pub ready: bool,
    /// Why the kubelet ended it, with its message: `Evicted`, `NodeShutdown` …
    pub ended: Option<(String, String)>,
    /// It names a Secret to pull with, which its node may not have seen yet.
    pub has_pull_secret: bool,
    /// Why no node takes it.
    pub unschedulable: Option<String>,
    /// Room is made for it: an autoscaler adds a node, or pods of a lower priority give way on one.
    pub is_scaling_up: bool,
    /// Some node has the labels that it wants; none: nobody knows. A node whose taint keeps the pod
    /// off is not asked for its labels by the scheduler.
    pub has_matching_node: Option<bool>,
    /// How often its startup probe may fail before its container is killed; 0: it has none.
    pub startup_failures: u32,
    /// A liveness probe may have its containers killed.
    pub has_liveness: bool,
    /// `failureThreshold` of its liveness probe, the least of several; 0 where there is none.
    pub liveness_failures: u32,
    /// Seconds from a container's start after which its liveness probe may have failed so often, the least of
    /// several; 0 where there is none, or where the first failure is enough.
    pub liveness_seconds: u32,
    /// Its containers, those of init included.
    pub containers: Vec<Container>,
}

/// One container's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// One of `initContainers`: it runs before the others and ends, unless it is a sidecar.
    pub init: bool,
    /// `restartPolicy: Always` of an init container: it runs beside the others, and must not end.
    pub sidecar: bool,
    /// How often it was started again.
    pub restarts: u32,
    /// Reason and message while it waits.
    pub waiting: Option<(String, String)>,
    /// How it ended, if it is ended now.
    pub terminated: Option<Terminated>,
    /// How it ended before.
    pub last: Option<Terminated>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terminated {
    /// `Error`, `OOMKilled`, `StartError` …
    pub reason: String,
    /// Its exit code.
    pub exit: i32,
    /// Its termination message: often the end of its log.
    pub message: String,
    /// Seconds from `startedAt` to `finishedAt`.
    pub seconds: u32,
}

/// A Warning event of Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Warning {
    /// The pod that it is about; empty where none could be made.
    pub pod: String,
    /// `Unhealthy`, `FailedMount` …
    pub reason: String,
    /// The kubelet's words.
    pub message: String,
    /// How often it was said; the kubelet stops counting after some 25.
    pub count: u32,
}

/// An HTTPRoute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Every gateway that it names has taken it as it is now.
    pub accepted: bool,
    /// Reason and message of conditions that are false.
    pub refused: Vec<(String, String)>,
}

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Ready addresses behind it; none: not looked at yet.
    pub endpoints: Option<u32>,
    /// It wants an address of its own and has none.
    pub is_pending: bool,
}

/// A HorizontalPodAutoscaler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Autoscaler {
    /// Its name.
    pub name: String,
    /// Why it does not know how busy the pods are: `ScalingActive` is false.
    pub inactive: Option<String>,
    /// Why it cannot change how many pods there are: `AbleToScale` is false.
    pub unable: Option<String>,
}

impl Snapshot {
    /// Ready pods of the new version, and pods that are wanted, of all workloads.
    #[must_use]
    pub fn progress(&self) -> (u32, u32) {
        let sum = |count: fn(&Workload) -> u32| self.workloads.iter().map(count).sum();
        (sum(|workload| workload.ready), sum(|workload| workload.wanted))
    }

    /// Pods end, come up, or do what ends by itself: room that others wait for may come of it.
    pub(crate) fn is_moving(&self) -> bool {
        let works = |one: &Workload| {
            let has_ended = one.is_complete || one.failed.is_some();
            one.kind == "Job" && !has_ended && !one.paused && one.refused.is_none()
        };
        self.ending > 0
            || self.pods.iter().any(|pod| !pod.ready && pod.ended.is_none())
            || self.workloads.iter().any(works)
    }

    /// The cluster shows this release, everywhere.
    #[must_use]
    pub fn is_of(&self, release: &str) -> bool {
        !self.workloads.is_empty()
            && self.workloads.iter().all(|one| one.revision == release && one.observed)
    }
}

impl Pod {
    /// Its node pulls its image, or mounts its volumes.
    pub(crate) fn is_being_made(&self) -> bool {
        self.containers.iter().any(|container| {
            container.waiting.as_ref().is_some_and(|(reason, _)| reason == CREATING)
        })
    }

    /// Returns what holds it up, in the words of the scheduler or of its node. `None`: it is ready, or its
    /// status says nothing.
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
    /// Whether its node puts its next start off, since it ended before.
    pub(crate) fn is_backed_off(&self) -> bool {
        self.waiting.as_ref().is_some_and(|(reason, _)| reason == "CrashLoopBackOff")
    }

    /// Whether it is an init container that ended well and will not run again. The kubelet shows a sidecar in
    /// its back-off so too, after an end with 0.
    pub(crate) fn has_done(&self) -> bool {
        let end = self.terminated.as_ref().or(self.last.as_ref());
        let ended_well = end.is_some_and(|end| end.exit == 0);
        self.init && !self.sidecar && ended_well && !self.is_backed_off()
    }

    /// Whether its last run is over and the next one has not begun.
    pub(crate) fn has_ended(&self) -> bool {
        self.terminated.is_some() || self.is_backed_off()
    }

    /// Returns how often it has ended.
    pub(crate) fn ends(&self) -> u32 {
        self.restarts.saturating_add(u32::from(self.has_ended()))
    }
}

impl Workload {
    /// The rule of `kubectl rollout status`: old pods gone, new ones there long enough.
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
