//! Keys of one process: its `Deployment`, `StatefulSet` or `CronJob`, and the objects beside it.

use crate::runtime::{Spread, Toleration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One of an app's programs, all from one image. The world reaches `web`, which runs unless it is
/// `off`. Any other process runs once it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProcessSpec {
    /// Leaves the process out. Default false.
    pub off: Option<bool>,
    /// TCP port at which the process listens, 1–65535, and its `$PORT`. Default of `web`: the port
    /// that the image exposes, else 8080. Any other process does not listen by default.
    pub port: Option<u16>,
    /// More ports by name, such as `metrics`: at most 15 lower-case letters, digits and `-`.
    pub ports: BTreeMap<String, u16>,
    /// argv that replaces the image's own (`command`). Default: the image's own.
    pub command: Vec<String>,
    /// Plain environment, by variable. It precedes the app's.
    pub env: BTreeMap<String, String>,
    /// Number of pods (`replicas`), 0–100. Default 1.
    pub replicas: Option<u32>,
    pub resources: ResourceSpec,
    /// HTTP path for all probes. Default: a TCP connection is enough.
    pub health: Option<String>,
    /// Probes. Default: `health` at the process's port. Without a port there are no probes by default.
    pub probes: ProbesSpec,
    /// Default: the number of pods does not change under load.
    pub autoscale: AutoscaleSpec,
    /// Folders beside the image, by name (at most 15 characters).
    pub volumes: BTreeMap<String, VolumeSpec>,
    /// Pods with a name and volumes of their own (a StatefulSet). Default false.
    pub stateful: Option<bool>,
    /// Pods of a stateful process start one after the other. Default false.
    pub ordered: Option<bool>,
    /// Times at which the process runs (a CronJob): five fields, or `@daily` and the like. Default:
    /// the process always runs.
    pub schedule: Option<String>,
    /// Time zone of `schedule`, such as `Europe/Berlin` (`timeZone`). Default: the cluster's, mostly
    /// UTC.
    pub timezone: Option<String>,
    /// Seconds after which a scheduled run is ended (`activeDeadlineSeconds`). Default 3600.
    pub timeout_seconds: Option<u32>,
    /// Tries of a scheduled run after the first, 0–10 (`backoffLimit`). Default 0.
    pub retries: Option<u32>,
    /// Lets a scheduled run begin during another (`concurrencyPolicy`). Default false.
    pub overlap: Option<bool>,
    /// Nodes on which the pods run. Default: any.
    pub placement: PlacementSpec,
    pub termination: TerminationSpec,
    /// Pods that may be missing at once when nodes are drained (`maxUnavailable` of a
    /// PodDisruptionBudget). Default: 1 if there are at least two pods, else no budget.
    pub max_unavailable: Option<u32>,
}

/// Requests and limits of a container, as Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResourceSpec {
    /// CPU request. Default `100m`.
    pub cpu: Option<String>,
    /// CPU limit. Default: no limit.
    pub cpu_limit: Option<String>,
    /// Memory request. Default `128Mi`.
    pub memory: Option<String>,
    /// Memory limit. Default: twice the request.
    pub memory_limit: Option<String>,
    /// Request and limit of local disk. Default: neither.
    pub ephemeral_storage: Option<String>,
}

/// Probes of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProbesSpec {
    /// `startupProbe`: whether the process is up. Default: each second, 120 times.
    pub startup: ProbeSpec,
    /// `readinessProbe`: whether the pod gets requests. Default: every 5 s, none after 2 failures.
    pub readiness: ProbeSpec,
    /// `livenessProbe`: whether the container keeps running. Default: every 15 s, restarted after 3
    /// failures.
    pub liveness: ProbeSpec,
}

/// A check that is repeated, with its budget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProbeSpec {
    /// Leaves the probe out. Default false.
    pub off: Option<bool>,
    /// Path of a GET that is answered with 200 to 399 (`httpGet`). Default: `health`.
    pub http: Option<String>,
    /// A connection is accepted (`tcpSocket`). Default: true if there is no path.
    pub tcp: Option<bool>,
    /// Service for which `grpc.health.v1` answers SERVING. Empty means the server.
    pub grpc: Option<String>,
    /// A command in the container that exits with 0 (`exec`).
    pub command: Vec<String>,
    /// TCP port of the check. Default: the process's own.
    pub port: Option<u16>,
    /// Seconds from one check to the next, 1–3600 (`periodSeconds`).
    pub period_seconds: Option<u32>,
    /// Seconds until a missing answer counts as a failure, 1–300 (`timeoutSeconds`). Default 2.
    pub timeout_seconds: Option<u32>,
    /// Failures in a row after which the probe fails, 1–1000 (`failureThreshold`).
    pub failures: Option<u32>,
}

/// More pods under load (a HorizontalPodAutoscaler); `replicas` is the least.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AutoscaleSpec {
    /// Largest number of pods, up to 1000 (`maxReplicas`). Required if `cpu` or `memory` is set.
    pub max: Option<u32>,
    /// Target for the CPU, in percent of its request (`averageUtilization`). Default 70, unless `memory`
    /// is set.
    pub cpu: Option<u32>,
    /// Target for the memory, in percent of its request (`averageUtilization`).
    pub memory: Option<u32>,
}

/// A folder beside the image: of `size` (kept), `claim`, `secret`, `config-map`, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct VolumeSpec {
    /// Path at which the volume is mounted (`mountPath`). Required.
    pub path: Option<String>,
    /// Mounts the volume without the right to write. Default: true for a Secret or ConfigMap.
    pub read_only: Option<bool>,
    /// Size of a volume that is kept, such as `10Gi`. With `scratch` it is the limit.
    pub size: Option<String>,
    /// StorageClass. Default: the cluster's own.
    pub class: Option<String>,
    /// `ReadWriteOnce`, `ReadWriteMany`, `ReadOnlyMany` or `ReadWriteOncePod` (`accessModes`). Default
    /// `ReadWriteOnce`.
    pub access: Option<String>,
    /// Makes a volume that is deleted with the pod (an emptyDir). Default: true if no other kind is set.
    pub scratch: Option<bool>,
    /// An existing PersistentVolumeClaim of the namespace.
    pub claim: Option<String>,
    /// A Secret of the namespace.
    pub secret: Option<String>,
    /// A ConfigMap of the namespace.
    pub config_map: Option<String>,
}

/// The nodes on which pods run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlacementSpec {
    /// Labels that a node must have (`nodeSelector`).
    pub nodes: BTreeMap<String, String>,
    /// Taints of nodes that do not keep the pods away.
    pub tolerations: Vec<Toleration>,
    /// Rule by which pods are kept apart. Default `preferred`.
    pub spread: Option<Spread>,
}

/// The end of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TerminationSpec {
    /// Seconds for which a pod still serves before it gets SIGTERM, since requests still come, 0–300
    /// (`preStop`). Default 5, of a process without a port 0.
    pub pre_stop_seconds: Option<u32>,
    /// Seconds from SIGTERM to SIGKILL, 1–3600. Default 15.
    pub drain_seconds: Option<u32>,
}
