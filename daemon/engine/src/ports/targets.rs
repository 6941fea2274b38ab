//! Ports of the clusters that a project's jobs may go to.

use super::store::StoreError;
use async_trait::async_trait;
use thiserror::Error;
use windlass_model::{
    cluster::{ProjectTargets, Targets},
    error::ClusterError,
    own::cluster::OwnCluster,
    secret::Secret,
};

/// Rules which apps go to which clusters.
#[async_trait]
pub trait ClusterTargets: Send + Sync {
    /// Returns the operator's clusters.
    fn operators(&self) -> &Targets;
    /// Returns all clusters that jobs of a project may go to now.
    async fn targets(&self, project: &str) -> Result<ProjectTargets, StoreError>;
}

/// Clusters of the operator alone.
#[async_trait]
impl ClusterTargets for Targets {
    fn operators(&self) -> &Targets {
        self
    }

    async fn targets(&self, _: &str) -> Result<ProjectTargets, StoreError> {
        Ok(self.clone().into())
    }
}

/// A kubeconfig that is refused. Nothing of it is quoted but what is no secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: {problem}")]
pub struct KubeconfigError {
    /// Path of the field: `kubeconfig.users[0].user.exec`.
    pub field: String,
    /// The fault of the field, and what is expected.
    pub problem: String,
}

/// A kubeconfig that was read.
#[derive(Clone, Debug)]
pub struct ReadKubeconfig {
    /// Address of the API server.
    pub server: String,
    /// The part of the kubeconfig that is used, and alone is stored.
    pub kept: Secret,
}

/// Rights that a cluster gives to its credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewedCluster {
    /// Version of the API server: `v1.35.0`.
    pub version: String,
    /// Roles that would grant what a deploy needs and the account lacks, as YAML, one for each namespace.
    /// Empty means that nothing is missing.
    pub missing: Vec<String>,
    /// Namespaces whose rights the cluster does not tell: only a deploy shows them.
    pub unknown: Vec<String>,
}

/// Clusters that projects bring, as they are looked at before they are stored.
#[async_trait]
pub trait ClusterProbe: Send + Sync {
    /// Reads a kubeconfig. Connects to nothing.
    ///
    /// # Errors
    /// The first field that is refused, or that the operator does not allow.
    fn read(&self, kubeconfig: &Secret) -> Result<ReadKubeconfig, KubeconfigError>;
    /// Drops the connection to a cluster that a project removed, with its credentials. `None` means all of the project's.
    fn forget(&self, project: &str, name: Option<&str>);
    /// Connects, and reviews the rights that a deploy needs in each namespace of the cluster.
    ///
    /// # Errors
    /// The cluster does not answer, or not as one.
    async fn review(
        &self,
        project: &str,
        cluster: &OwnCluster,
        kubeconfig: &Secret,
    ) -> Result<ReviewedCluster, ClusterError>;
}
