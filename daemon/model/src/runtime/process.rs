//! Processes: `Deployment`, `StatefulSet` or `CronJob`, and the autoscaler and budget beside them.

use super::{probe::Probes, volume::Volume};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
