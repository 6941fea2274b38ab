//! How a release runs; every question is answered.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a release runs; every question is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Plain environment of all processes.
    pub env: BTreeMap<String, String>,
    /// Environment variables whose values are secrets, of all processes.
    pub secrets: Vec<SecretEnv>,
    /// Numeric user of the image. None: the image is root's.
    pub user: Option<u32>,
    /// At least one; where there is one called `web`, it comes first.
    pub processes: Vec<Process>,
    /// How the world reaches `web`.
    pub expose: Expose,
    /// On every object and pod, beside ours.
    pub labels: BTreeMap<String, String>,
    /// On every pod.
    pub annotations: BTreeMap<String, String>,
    /// Whose rights the pods have.
    pub account: Account,
    /// Who may talk to the pods and whom they may talk to; none: everybody.
    pub network: Option<Network>,
    /// Pull secrets of the namespace that nodes use beside ours.
    pub pull_secrets: Vec<String>,
    /// Objects of the repository's own.
    pub manifests: Vec<Manifest>,
}

/// The process that the world reaches, and whose objects are called as the app is.
pub const WEB: &str = "web";

/// One of an app's programs, all from one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// `web`, `worker` …
    pub name: String,
    /// Where it listens; also its `$PORT`. None: it does not.
    pub port: Option<u16>,
    /// Others, by name.
    pub ports: BTreeMap<String, u16>,
    /// argv that replaces the image's own.
    pub command: Vec<String>,
    /// Plain environment over the app's.
    pub env: BTreeMap<String, String>,
    /// How many pods; with `autoscale` the least.
    pub replicas: u32,
    /// What each pod asks for and may use.
    pub resources: Resources,
    /// How it is seen to be well.
    pub probes: Probes,
    /// More pods under load.
    pub autoscale: Option<Autoscale>,
    /// By name.
    pub volumes: BTreeMap<String, Volume>,
    /// Pods with a name and volumes of their own.
    pub stateful: bool,
    /// Pods of a stateful process are started one after the other.
    pub ordered: bool,
    /// Runs now and then instead of always.
    pub schedule: Option<Schedule>,
    /// On which nodes.
    pub placement: Placement,
    /// Seconds that an old pod goes on serving after it is told to end.
    pub pre_stop_seconds: u32,
    /// Seconds that it has then to end by itself.
    pub drain_seconds: u32,
    /// Pods that may be away at once when nodes are emptied; none: no rule.
    pub max_unavailable: Option<u32>,
}

/// Kubernetes quantities, as the user wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// CPU request, such as `100m`.
    pub cpu: String,
    /// Memory request, such as `128Mi`.
    pub memory: String,
    /// Memory limit.
    pub memory_limit: String,
    /// CPU limit; none, since throttling only makes an app slow.
    #[serde(default)]
    pub cpu_limit: Option<String>,
    /// Request and limit of local disk.
    #[serde(default)]
    pub ephemeral_storage: Option<String>,
}

/// Three questions; each may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// Is it up? Until then the others are not asked.
    pub startup: Option<Probe>,
    /// Does it get requests?
    pub readiness: Option<Probe>,
    /// Is it to be started again?
    pub liveness: Option<Probe>,
}

/// One question, asked again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What is asked.
    pub check: Check,
    /// Seconds between two.
    pub period: u32,
    /// Seconds until no answer is a wrong one.
    pub timeout: u32,
    /// Wrong answers in a row until it counts.
    pub failures: u32,
}

/// What a probe asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A GET is answered with 200 to 399.
    Http {
        /// From `/`.
        path: String,
        /// Where.
        port: u16,
    },
    /// A connection is taken.
    Tcp {
        /// Where.
        port: u16,
    },
    /// `grpc.health.v1` answers SERVING.
    Grpc {
        /// Where.
        port: u16,
        /// Of this service; empty: of the server.
        service: String,
    },
    /// A command in the container exits with 0.
    Exec {
        /// argv.
        command: Vec<String>,
    },
}

/// More pods under load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscale {
    /// At most.
    pub max: u32,
    /// Percent of the CPU request that is aimed at.
    pub cpu: Option<u32>,
    /// Percent of the memory request that is aimed at.
    pub memory: Option<u32>,
}

/// A folder that a pod has beside its image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Where it is mounted.
    pub path: String,
    /// Nobody writes to it.
    pub read_only: bool,
    /// What it is.
    pub source: VolumeSource,
}

/// What a volume is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// Kept; never deleted by us.
    Claim {
        /// How much.
        size: String,
        /// Default: the cluster's own.
        class: Option<String>,
        /// `ReadWriteOnce` …
        access: String,
    },
    /// Somebody else's claim.
    Existing(String),
    /// Empty, gone with the pod.
    Scratch {
        /// At most.
        size: Option<String>,
    },
    /// A Secret of the namespace.
    Secret(String),
    /// A ConfigMap of the namespace.
    ConfigMap(String),
}

/// When a process runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Five fields, or `@daily` and the like.
    pub cron: String,
    /// Of the time zone database; none: the cluster's.
    pub timezone: Option<String>,
    /// Seconds until a run is ended.
    pub timeout: u32,
    /// Tries of one run after the first.
    pub retries: u32,
    /// A run may begin while another goes on.
    pub overlap: bool,
}

/// On which nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Labels that a node must have.
    pub nodes: BTreeMap<String, String>,
    /// Taints that do not matter.
    pub tolerations: Vec<Toleration>,
    /// Pods are kept apart.
    pub spread: Spread,
}

/// A taint that does not matter.
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
    /// The taint's key; empty: any.
    pub key: String,
    /// Its value. Default: any.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Default: any.
    pub effect: Option<String>,
}

/// How pods are kept apart, by node and by zone.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Where it can be done.
    #[default]
    Preferred,
    /// A pod that cannot be kept apart waits.
    Required,
    /// As the scheduler likes.
    Off,
}

/// How the world reaches an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expose {
    /// The Service's kind; none where nothing listens.
    pub service: Option<ServiceKind>,
    /// The Service's port.
    pub port: u16,
    /// Host names that lead here.
    pub hosts: Vec<String>,
    /// Only requests under it.
    pub path: String,
    /// What leads there.
    pub route: Option<Route>,
    /// On the Service and the Ingress.
    pub annotations: BTreeMap<String, String>,
}

/// A Service's kind.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    /// Within the cluster.
    #[default]
    Cluster,
    /// With an address of its own.
    LoadBalancer,
}

/// What leads requests from outside to a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// An HTTPRoute.
    Gateway {
        /// Where the Gateway is; none: the app's own.
        namespace: Option<String>,
        /// Its name.
        name: String,
    },
    /// An Ingress.
    Ingress {
        /// The IngressClass.
        class: String,
        /// A Secret of the namespace with certificate and key.
        tls: Option<String>,
    },
}

/// Whose rights pods have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Somebody else's; none: one of the app's own, without rights.
    pub existing: Option<String>,
    /// On the app's own: clouds read roles from them.
    pub annotations: BTreeMap<String, String>,
    /// Pods get a token for the API server.
    pub token: bool,
}

/// Who may talk to pods, and whom they may talk to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Namespaces whose pods may; pods of the app always may.
    pub from: Vec<String>,
    /// Beside DNS and the app's own pods.
    pub to: Vec<Peer>,
}

/// Addresses and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// `10.0.0.0/8`.
    pub cidr: String,
    /// None: any.
    pub port: Option<u16>,
}

/// An object of the repository's own, with the image put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Where it was written.
    pub file: String,
    /// As JSON; [`crate::manifest::IMAGE`] stands for the image.
    pub json: String,
}

/// A secret by name and version, as an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretEnv {
    /// The variable.
    pub env: String,
    /// The project's secret.
    pub name: String,
    /// Fixed when the release is made, so that putting it back puts this back too.
    pub version: u32,
}

impl Runtime {
    /// The process that the world reaches.
    #[must_use]
    pub fn web(&self) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == WEB)
    }

    /// A process by its name.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == name)
    }
}

impl Process {
    /// Seconds in which one pod must come up: what its startup probe allows and some to pull, and at
    /// least five minutes.
    #[must_use]
    pub fn progress_deadline_seconds(&self) -> u32 {
        let startup = self.probes.startup.as_ref();
        let budget = startup.map_or(0, |probe| probe.period.saturating_mul(probe.failures));
        budget.saturating_add(120).clamp(300, 24 * 3600)
    }
}
