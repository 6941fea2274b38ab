//! The cluster, looked at for people: nothing of it decides anything.

use super::ClusterError;
use crate::{endpoint::Endpoint, job::Release};
use async_trait::async_trait;

/// What serves in a cluster.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// Where the app of a release answers, those that the world reaches first.
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError>;
}
