//! Clusters of projects' own, with their sealed kubeconfigs.

use super::StoreError;
use async_trait::async_trait;
use windlass_model::{own::cluster::OwnCluster, secret::Secret};

/// Number of versions of a cluster that are kept.
pub const CLUSTER_VERSIONS_KEPT: u32 = 100;

/// Number of names of a project's clusters that are kept, removed ones among them. Beyond it, the one that was removed
/// first is forgotten.
pub const CLUSTER_NAMES_KEPT: usize = 200;

/// One version of a cluster of a project's own, without its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnClusterRecord {
    pub project: String,
    pub name: String,
    /// Number of the version: 1, 2, 3 … per name.
    pub version: u32,
    /// Settings. `None` means that this version is a removal.
    pub cluster: Option<OwnCluster>,
    /// Caller that made the version.
    pub by: String,
    /// Time at which it was made, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Clusters of projects' own. Each change is a version. Only the newest version has its kubeconfig: what was replaced or
/// removed is sealed nowhere.
#[async_trait]
pub trait OwnClusters: Send + Sync {
    /// Stores a version. `None` means that the project has [`windlass_model::own::cluster::MOST_CLUSTERS`] others.
    async fn put_cluster(
        &self,
        project: &str,
        name: &str,
        cluster: &OwnCluster,
        kubeconfig: &Secret,
        by: &str,
    ) -> Result<Option<OwnClusterRecord>, StoreError>;
    /// Returns the newest version of each name of a project, by name, removals among them, at most
    /// [`CLUSTER_NAMES_KEPT`]. One that cannot be read is an error: without it, jobs would go elsewhere.
    async fn own_clusters(&self, project: &str) -> Result<Vec<OwnClusterRecord>, StoreError>;
    /// Returns the newest version of a name. `None` means that the project never had it, or that it was forgotten.
    async fn own_cluster(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<OwnClusterRecord>, StoreError>;
    /// Returns the versions of a name, the newest first, removals among them, at most [`CLUSTER_VERSIONS_KEPT`].
    async fn cluster_versions(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Vec<OwnClusterRecord>, StoreError>;
    /// Returns a cluster with its kubeconfig. `None` means that the project has none of this name now.
    async fn open_cluster(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<(OwnClusterRecord, Secret)>, StoreError>;
    /// Removes a cluster. `false` means that there is none.
    async fn remove_cluster(&self, project: &str, name: &str, by: &str)
    -> Result<bool, StoreError>;
}
