//! The runtime of a release: its spec, resolved.
//!
//! It renders to a `Deployment`, `StatefulSet` or `CronJob` for each process, and to the `Service`,
//! `Ingress`, `HTTPRoute`, `HorizontalPodAutoscaler`, `PodDisruptionBudget`, `NetworkPolicy`,
//! `ServiceAccount`, `PersistentVolumeClaim`, `ConfigMap` and `Secret` objects beside them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod expose;
mod migrate;
mod network;
mod probe;
mod process;
mod recreate;
mod strategy;
mod volume;

pub use expose::{Expose, Route, ServiceKind};
pub(crate) use migrate::brief;
pub use migrate::{Backup, Migrate, MigrationPhase};
pub use network::{Account, Network, Peer};
pub use probe::{Check, Probe, Probes};
pub use process::{Autoscale, Placement, Process, Resources, Schedule, Spread, Toleration};
pub use recreate::Recreate;
pub use strategy::{
    Aside, GATE_SECONDS, Metric, Query, Source, Strategy, StrategyKind, Track, Traffic,
};
pub use volume::{Volume, VolumeSource};

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
    /// Migration of the app's data before the release gets requests. `None` means that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrate: Option<Migrate>,
    /// Way of the requests from the version that serves to this one.
    #[serde(default, skip_serializing_if = "Strategy::is_default")]
    pub strategy: Strategy,
    /// Track of the objects of `web`, by cluster. A cluster that is not named has [`Track::Plain`]. They are set when
    /// the release is planned.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tracks: BTreeMap<String, Track>,
    /// Set while only pods of `web` run, beside those that serve. `None` means that the release is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<Aside>,
}

/// The name of the process that the world reaches. Its objects have the app's name.
pub const WEB: &str = "web";

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

    /// Returns the runtime without what came before it got requests, and the way by which it got them.
    #[must_use]
    pub fn as_it_serves(&self) -> Self {
        let (strategy, tracks) = (Strategy::default(), BTreeMap::new());
        Self { strategy, tracks, migrate: None, aside: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Approvals hold the digest of a release as it was written before there were strategies.
    #[test]
    fn a_release_without_a_strategy_is_written_as_before_there_were_any() {
        let written = serde_json::to_value(Runtime::default()).unwrap();
        for key in ["migrate", "strategy", "tracks", "aside"] {
            assert!(written.get(key).is_none(), "{key}: {written}");
        }
        assert_eq!(serde_json::from_value::<Runtime>(written).unwrap(), Runtime::default());
    }

    #[test]
    fn a_strategy_is_read_as_it_was_written() {
        let metric = Metric {
            query: Query::SuccessRate(Source::Traefik),
            min: Some(99.into()),
            max: None,
            interval_seconds: 15,
            failures: 0,
            inconclusive: 4,
        };
        let strategy = Strategy {
            kind: StrategyKind::Canary,
            weights: vec![5, 100],
            hold_seconds: 60,
            gates: vec![100],
            gate_seconds: GATE_SECONDS,
            traffic: Traffic::Gateway,
            check: Some("/".into()),
            metrics: [("errors".into(), metric)].into(),
            ..Strategy::default()
        };
        let tracks = [("eu".into(), Track::Blue)].into();
        let aside = Some(Aside { from: Track::Plain, percent: 5 });
        let runtime = Runtime { strategy, tracks, aside, ..Runtime::default() };
        let written = serde_json::to_string(&runtime).unwrap();
        assert_eq!(serde_json::from_str::<Runtime>(&written).unwrap(), runtime, "{written}");
    }
}
