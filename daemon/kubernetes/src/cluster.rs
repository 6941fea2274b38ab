//! The Cluster port.

use crate::{apply, client::Client, evidence, observe, render::PullLogin};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_core::{
    job::Release,
    plan::Change,
    ports::{Cluster, ClusterError, Secrets},
    rollout::Snapshot,
    run::Voice,
};

/// One cluster.
pub struct Kubernetes {
    client: Client,
    secrets: Arc<dyn Secrets>,
    pull: Option<PullLogin>,
}

impl Kubernetes {
    /// `pull`: becomes a pull secret in each namespace; none where nodes log in by themselves.
    #[must_use]
    pub fn new(client: Client, secrets: Arc<dyn Secrets>, pull: Option<PullLogin>) -> Self {
        Self { client, secrets, pull }
    }
}

#[async_trait]
impl Cluster for Kubernetes {
    async fn make(&self, change: &Change, _: &Voice) -> Result<(), ClusterError> {
        match change {
            Change::Apply(release) => {
                apply::apply(&self.client, release, &*self.secrets, self.pull.as_ref()).await
            }
            Change::Retire(release) => apply::retire(&self.client, release).await,
        }
    }

    async fn observe(&self, release: &Release) -> Result<mpsc::Receiver<Snapshot>, ClusterError> {
        // A cluster that is away is told by its first answer, not by a watch that never speaks.
        self.client.check().await?;
        Ok(observe::observe(&self.client, release))
    }

    async fn evidence(&self, release: &Release) -> Vec<String> {
        evidence::collect(&self.client, release).await
    }
}
