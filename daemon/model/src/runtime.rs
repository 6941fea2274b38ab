//! The runtime of a release: its spec, resolved.
//!
//! It renders to a `Deployment`, `StatefulSet` or `CronJob` for each process, and to the `Service`,
//! `Ingress`, `HTTPRoute`, `HorizontalPodAutoscaler`, `PodDisruptionBudget`, `NetworkPolicy`,
//! `ServiceAccount`, `PersistentVolumeClaim`, `ConfigMap` and `Secret` objects beside them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The resolved spec of a release: how it runs, with every question answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Plain environment of all processes.
    pub env: BTreeMap<String, String>,
    /// Environment variables whose values are secrets, of all processes.
    pub secrets: Vec<SecretEnv>,
    /// Numeric user of the image. `None` means root, or that the image names no numeric user.
    pub user: Option<u32>,
    /// Processes that run. `web` comes first where it runs. Empty means that only `manifests` run.
    pub processes: Vec<Process>,
    pub expose: Expose,
    /// `metadata.labels` of every object and pod, beside those of Windlass.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations` of every pod.
    pub annotations: BTreeMap<String, String>,
    /// Account that gives the pods their rights.
    pub account: Account,
    /// Traffic that is allowed from and to the pods. `None` means that all traffic is allowed.
    pub network: Option<Network>,
    /// `imagePullSecrets` of the namespace, beside the pull secret that Windlass makes.
    pub pull_secrets: Vec<String>,
    /// Objects that the repository brings.
    pub manifests: Vec<Manifest>,
}

/// The name of the process that the world reaches. Its objects have the app's name.
pub const WEB: &str = "web";

/// One of an app's programs, all from one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// `web`, `worker` …
    pub name: String,
    /// TCP port at which the process listens, also its `$PORT`. `None` means that it does not listen.
    pub port: Option<u16>,
    /// Further TCP ports, by name.
    pub ports: BTreeMap<String, u16>,
    /// `command` of the container. Empty means that the image's own runs.
    pub command: Vec<String>,
    /// Plain environment. It precedes the app's.
    pub env: BTreeMap<String, String>,
    /// `replicas`: the number of pods. With `autoscale` it is `minReplicas`.
    pub replicas: u32,
    pub resources: Resources,
    pub probes: Probes,
    /// `None` means that the number of pods does not change under load.
    pub autoscale: Option<Autoscale>,
    /// Volumes by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Makes a `StatefulSet`: each pod has a name and volumes of its own.
    pub stateful: bool,
    /// `podManagementPolicy: OrderedReady`: pods of a stateful process start one after the other.
    pub ordered: bool,
    /// Makes a `CronJob`. `None` means that the process always runs.
    pub schedule: Option<Schedule>,
    pub placement: Placement,
    /// `preStop` sleep: seconds for which an old pod still serves before it gets SIGTERM. 0 means that
    /// there is no such hook.
    pub pre_stop_seconds: u32,
    /// Seconds from SIGTERM to SIGKILL. With `pre_stop_seconds` they are
    /// `terminationGracePeriodSeconds`.
    pub drain_seconds: u32,
    /// `maxUnavailable` of the `PodDisruptionBudget`. `None` creates no budget.
    pub max_unavailable: Option<u32>,
}

/// `resources` of a container: Kubernetes quantities, as the user wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// `requests.cpu`, such as `100m`.
    pub cpu: String,
    /// `requests.memory`, such as `128Mi`.
    pub memory: String,
    /// `limits.memory`.
    pub memory_limit: String,
    /// `limits.cpu`. `None` means no limit, since throttling only makes an app slow.
    #[serde(default)]
    pub cpu_limit: Option<String>,
    /// `requests.ephemeral-storage` and the limit, which are the same. `None` sets neither.
    #[serde(default)]
    pub ephemeral_storage: Option<String>,
}

/// Probes of a container. `None` means that there is no such probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// `startupProbe`: whether the process is up. The other two wait for it.
    pub startup: Option<Probe>,
    /// `readinessProbe`: whether the pod gets requests.
    pub readiness: Option<Probe>,
    /// `livenessProbe`: whether the container keeps running.
    pub liveness: Option<Probe>,
}

/// A check that the kubelet repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub check: Check,
    /// `periodSeconds`: seconds from one check to the next.
    pub period: u32,
    /// `timeoutSeconds`: how long to wait for an answer before it counts as a failure.
    pub timeout: u32,
    /// `failureThreshold`: failures in a row after which the probe fails.
    pub failures: u32,
}

/// The action of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// `httpGet`: a GET is answered with 200 to 399.
    Http {
        /// Absolute path.
        path: String,
        port: u16,
    },
    /// `tcpSocket`: a connection is accepted.
    Tcp { port: u16 },
    /// `grpc`: `grpc.health.v1` answers SERVING.
    Grpc {
        port: u16,
        /// Service whose health is asked for. Empty means the server's.
        service: String,
    },
    /// `exec`: a command in the container exits with 0.
    Exec { command: Vec<String> },
}

/// A `HorizontalPodAutoscaler`: more pods under load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscale {
    /// `maxReplicas`.
    pub max: u32,
    /// `averageUtilization` of the CPU, in percent of its request. `None` means that the CPU does not
    /// count.
    pub cpu: Option<u32>,
    /// `averageUtilization` of the memory, in percent of its request. `None` means that the memory does
    /// not count.
    pub memory: Option<u32>,
}

/// A folder that a pod has beside its image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// `mountPath`.
    pub path: String,
    /// `readOnly` of the mount.
    pub read_only: bool,
    pub source: VolumeSource,
}

/// The source of a volume's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// A `PersistentVolumeClaim` that Windlass makes and never deletes.
    Claim {
        /// `resources.requests.storage`.
        size: String,
        /// `storageClassName`. `None` means the cluster's default class.
        class: Option<String>,
        /// `accessModes`, of which there is one: `ReadWriteOnce` …
        access: String,
    },
    /// An existing `PersistentVolumeClaim` that Windlass does not manage.
    Existing(String),
    /// An `emptyDir`, which is deleted with the pod.
    Scratch {
        /// `sizeLimit`. `None` means no limit.
        size: Option<String>,
    },
    /// A `Secret` of the namespace.
    Secret(String),
    /// A `ConfigMap` of the namespace.
    ConfigMap(String),
}

/// The times at which a process runs, as a `CronJob`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// `schedule`: five fields, or `@daily` and the like.
    pub cron: String,
    /// `timeZone`: a name of the time zone database. `None` means the cluster's time zone.
    pub timezone: Option<String>,
    /// `activeDeadlineSeconds`: seconds after which a run is ended.
    pub timeout: u32,
    /// `backoffLimit`: tries of one run after the first.
    pub retries: u32,
    /// `concurrencyPolicy: Allow`: a run may begin during another.
    pub overlap: bool,
}

/// The nodes on which pods run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// `nodeSelector`: labels that a node must have.
    pub nodes: BTreeMap<String, String>,
    pub tolerations: Vec<Toleration>,
    pub spread: Spread,
}

/// A taint of nodes that does not keep pods away (`tolerations`).
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Toleration {
    /// The taint's key. Empty means any key.
    pub key: String,
    /// The taint's value. Default: any value.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Default: any effect.
    pub effect: Option<String>,
}

/// The rule by which pods are kept apart, by node and by zone (`topologySpreadConstraints`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Pods are kept apart as far as it is possible (`ScheduleAnyway`).
    #[default]
    Preferred,
    /// A pod that would share a node waits (`DoNotSchedule`). Zones are kept apart as far as it is
    /// possible.
    Required,
    /// There is no such rule: the scheduler decides.
    Off,
}

/// The way by which the world reaches an app: a `Service`, and what leads to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expose {
    /// `type` of the `Service`. `None` means that there is no `Service`, because nothing listens.
    pub service: Option<ServiceKind>,
    /// `port` of the `Service`.
    pub port: u16,
    /// Host names of the route. Empty means any host.
    pub hosts: Vec<String>,
    /// Path prefix of the requests that the route takes.
    pub path: String,
    /// `None` means that only the `Service` leads to the app.
    pub route: Option<Route>,
    /// `metadata.annotations` of the `Service` and the `Ingress`.
    pub annotations: BTreeMap<String, String>,
}

/// The kind of a `Service`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    /// `ClusterIP`: reached from within the cluster.
    #[default]
    Cluster,
    /// `LoadBalancer`: reached at an address of its own.
    LoadBalancer,
}

/// The object that leads requests from outside to a `Service`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// An `HTTPRoute` at a `Gateway`.
    Gateway {
        /// Namespace of the `Gateway`. `None` means the app's own.
        namespace: Option<String>,
        /// Name of the `Gateway`.
        name: String,
    },
    /// An `Ingress`.
    Ingress {
        /// `ingressClassName`.
        class: String,
        /// `secretName` of `tls`: a `Secret` of the namespace with certificate and key. `None` means
        /// HTTP without TLS.
        tls: Option<String>,
    },
}

/// The `ServiceAccount` that gives pods their rights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// An existing account that Windlass does not manage. `None` means one of the app's own, without
    /// rights.
    pub existing: Option<String>,
    /// `metadata.annotations` of the app's own account: clouds read roles from them.
    pub annotations: BTreeMap<String, String>,
    /// `automountServiceAccountToken`: pods get a token for the API server.
    pub token: bool,
}

/// A `NetworkPolicy`: traffic that is allowed from and to pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Namespaces whose pods may connect to the app. Pods of the app always may.
    pub from: Vec<String>,
    /// Peers that the app may connect to, beside DNS and the app's own pods.
    pub to: Vec<Peer>,
}

/// A range of addresses and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// `ipBlock.cidr`, such as `10.0.0.0/8`.
    pub cidr: String,
    /// `None` means any port.
    pub port: Option<u16>,
}

/// An object that the repository brings, with the image put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// File of the repository that holds the object.
    pub file: String,
    /// The object as JSON. [`crate::manifest::IMAGE`] stands for the image.
    pub json: String,
}

/// A secret by name and version, as an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretEnv {
    /// Name of the variable.
    pub env: String,
    /// Name of the project's secret.
    pub name: String,
    /// Version, fixed when the release is made, so that a rollback restores the value too.
    pub version: u32,
}

impl Runtime {
    /// Returns the process that the world reaches. `None` means that it is off.
    #[must_use]
    pub fn web(&self) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == WEB)
    }

    /// Finds a process by its name.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == name)
    }
}

impl Process {
    /// Returns the seconds in which one pod must come up: the time that its startup probe allows, two
    /// minutes to pull, and at least five minutes.
    #[must_use]
    pub fn progress_deadline_seconds(&self) -> u32 {
        let startup = self.probes.startup.as_ref();
        let budget = startup.map_or(0, |probe| probe.period.saturating_mul(probe.failures));
        budget.saturating_add(120).clamp(300, 24 * 3600)
    }
}
