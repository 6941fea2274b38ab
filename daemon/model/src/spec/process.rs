//! What is said of one process.

use crate::runtime::{Spread, Toleration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One of an app's programs; all are of one image. `web` is what the world reaches, and is there
/// unless it is `off`; any other is there once it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProcessSpec {
    /// Leaves it out. Default false.
    pub off: Option<bool>,
    /// Where it listens, 1–65535, and its `$PORT`. Default: of `web`, what the image exposes, else
    /// 8080; of any other, none.
    pub port: Option<u16>,
    /// More ports by name, such as `metrics`: at most 15 lower-case letters, digits and `-`.
    pub ports: BTreeMap<String, u16>,
    /// argv that replaces the image's own. Default: the image's own.
    pub command: Vec<String>,
    /// Plain environment, by variable, over the app's.
    pub env: BTreeMap<String, String>,
    /// 0–100 pods. Default 1.
    pub replicas: Option<u32>,
    /// What each pod asks for.
    pub resources: ResourceSpec,
    /// HTTP path for all probes. Default: a TCP connection is enough.
    pub health: Option<String>,
    /// How it is seen to be well. Default: `health` on its port; without a port, none.
    pub probes: ProbesSpec,
    /// More pods under load. Default: none.
    pub autoscale: AutoscaleSpec,
    /// Folders beside the image, by name (at most 15 characters).
    pub volumes: BTreeMap<String, VolumeSpec>,
    /// Pods with a name and volumes of their own (a StatefulSet). Default false.
    pub stateful: Option<bool>,
    /// Pods of a stateful process start one after the other. Default false.
    pub ordered: Option<bool>,
    /// Runs then, instead of always (a CronJob): five fields, or `@daily` and the like.
    pub schedule: Option<String>,
    /// Time zone of `schedule`, such as `Europe/Berlin`. Default: the cluster's, mostly UTC.
    pub timezone: Option<String>,
    /// Seconds until a scheduled run is ended. Default 3600.
    pub timeout_seconds: Option<u32>,
    /// Tries of a scheduled run after the first, 0–10. Default 0.
    pub retries: Option<u32>,
    /// A scheduled run may begin while another goes on. Default false.
    pub overlap: Option<bool>,
    /// On which nodes. Default: any.
    pub placement: PlacementSpec,
    /// How it ends.
    pub termination: TerminationSpec,
    /// Pods that may be away at once when nodes are emptied (a PodDisruptionBudget). Default: 1
    /// where there are at least two pods, else no rule.
    pub max_unavailable: Option<u32>,
}

/// Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResourceSpec {
    /// CPU request. Default `100m`.
    pub cpu: Option<String>,
    /// CPU limit. Default: none.
    pub cpu_limit: Option<String>,
    /// Memory request. Default `128Mi`.
    pub memory: Option<String>,
    /// Memory limit. Default: twice the request.
    pub memory_limit: Option<String>,
    /// Request and limit of local disk. Default: none.
    pub ephemeral_storage: Option<String>,
}

/// Three questions, each with a budget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProbesSpec {
    /// Is it up? Default: each second, 120 times.
    pub startup: ProbeSpec,
    /// Does it get requests? Default: every 5 s, off after 2 failures.
    pub readiness: ProbeSpec,
    /// Is it to be started again? Default: every 15 s, after 3 failures.
    pub liveness: ProbeSpec,
}

/// What is asked, how often, how patiently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProbeSpec {
    /// Is not asked. Default false.
    pub off: Option<bool>,
    /// A GET of this path is answered with 200 to 399. Default: `health`.
    pub http: Option<String>,
    /// A connection is taken. Default: where there is no path.
    pub tcp: Option<bool>,
    /// `grpc.health.v1` answers SERVING for this service; empty: for the server.
    pub grpc: Option<String>,
    /// A command in the container exits with 0.
    pub command: Vec<String>,
    /// Default: the process's own.
    pub port: Option<u16>,
    /// Seconds between two, 1–3600.
    pub period_seconds: Option<u32>,
    /// Seconds until no answer is a wrong one, 1–300. Default 2.
    pub timeout_seconds: Option<u32>,
    /// Wrong answers in a row until it counts, 1–1000.
    pub failures: Option<u32>,
}

/// More pods under load (a HorizontalPodAutoscaler); `replicas` is the least.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AutoscaleSpec {
    /// At most so many, up to 1000. Required for the others.
    pub max: Option<u32>,
    /// Percent of the CPU request that is aimed at. Default 70, unless `memory` is said.
    pub cpu: Option<u32>,
    /// Percent of the memory request that is aimed at.
    pub memory: Option<u32>,
}

/// A folder beside the image: of `size` (kept), `claim`, `secret`, `config-map`, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct VolumeSpec {
    /// Where it is mounted. Required.
    pub path: Option<String>,
    /// Nobody writes to it. Default: of a Secret or ConfigMap, true.
    pub read_only: Option<bool>,
    /// Kept under this size, such as `10Gi`; with `scratch`, at most so much.
    pub size: Option<String>,
    /// StorageClass. Default: the cluster's own.
    pub class: Option<String>,
    /// `ReadWriteOnce`, `ReadWriteMany`, `ReadOnlyMany` or `ReadWriteOncePod`. Default
    /// `ReadWriteOnce`.
    pub access: Option<String>,
    /// Gone with the pod. Default: where nothing else is said.
    pub scratch: Option<bool>,
    /// A PersistentVolumeClaim of the namespace.
    pub claim: Option<String>,
    /// A Secret of the namespace.
    pub secret: Option<String>,
    /// A ConfigMap of the namespace.
    pub config_map: Option<String>,
}

/// On which nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlacementSpec {
    /// Labels that a node must have.
    pub nodes: BTreeMap<String, String>,
    /// Taints that do not matter.
    pub tolerations: Vec<Toleration>,
    /// How pods are kept apart. Default `preferred`.
    pub spread: Option<Spread>,
}

/// How a process ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TerminationSpec {
    /// Seconds that it goes on serving after it is told to end, since requests still come, 0–300.
    /// Default 5, of a process without a port 0.
    pub pre_stop_seconds: Option<u32>,
    /// Seconds to end by itself after that, 1–3600. Default 15.
    pub drain_seconds: Option<u32>,
}
