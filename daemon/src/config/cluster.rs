//! `[cluster]` and `[[clusters]]`: where apps are deployed.

use super::form::word;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A cluster, with credentials of its own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Cluster {
    /// Name by which jobs choose the cluster; in `[[clusters]]` only. The cluster named `default` owns what
    /// was released with `[cluster]`.
    pub(crate) name: String,
    /// Kubeconfig file. It is read again when credentials expire. Default: the account of the pod that
    /// the daemon runs in.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Projects that are deployed here. An empty list means all.
    pub(crate) projects: Vec<String>,
    /// Environments that are deployed here. An empty list means all.
    pub(crate) environments: Vec<String>,
    /// Pod Security Standard of the namespaces that Windlass makes.
    #[serde(deserialize_with = "word")]
    pub(crate) pod_security: PodSecurity,
}

/// A level of Kubernetes' Pod Security Standards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PodSecurity {
    /// No rule.
    Privileged,
    /// No pod reaches its node.
    #[default]
    Baseline,
    /// Pods are hardened too: no root, no capabilities.
    Restricted,
    /// Namespaces get no label. Somebody else decides.
    Off,
}

impl PodSecurity {
    pub(crate) fn label(self) -> Option<String> {
        let label = match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
            Self::Off => return None,
        };
        Some(label.into())
    }
}
