//! `[cluster]`, `[[clusters]]` and `[own-clusters]`: where apps are deployed.

use super::{form::word, prometheus::Prometheus};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use windlass_model::{app::NameError, cluster::PodSecurity, own::cluster::AllowedClusters};

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
    /// Prometheus with the metrics of this cluster's apps, for releases that measure. By default none: such a release
    /// cannot run here.
    pub(crate) prometheus: Option<Prometheus>,
}

/// Clusters that projects bring themselves, by `windlass cluster put`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OwnClusters {
    /// Hosts of API servers that projects may bring: a name, `*.example.com` for all names below a domain, or `*` for
    /// all. By default none.
    pub(crate) allow: Vec<String>,
    /// Networks that such a host may have private addresses in, such as `10.0.0.0/8`, or single addresses. By default
    /// none: each address of a host must be of the public internet. It is checked at each connection.
    pub(crate) private_addresses: Vec<String>,
    /// Puts the login by which nodes pull from your registries into such clusters too. Whoever has the cluster reads it
    /// there: only for logins that may pull nothing but what all projects may have, and push nothing. By default nodes
    /// there log in by themselves, or by `pull-secrets` of `windlass.toml`.
    pub(crate) pull_secrets: bool,
}

impl OwnClusters {
    /// Returns the limits as they are checked.
    pub(crate) fn allowed(&self) -> Result<AllowedClusters, NameError> {
        AllowedClusters::parse(&self.allow, &self.private_addresses)
    }
}
