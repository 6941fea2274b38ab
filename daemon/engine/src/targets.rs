//! The operator's clusters, joined with those of each project's own.

use crate::ports::{
    ClusterTargets,
    store::{OwnClusters, StoreError},
};
use async_trait::async_trait;
use std::sync::Arc;
use windlass_model::cluster::{OwnTarget, ProjectTargets, Targets};

/// Clusters of the operator and of projects.
pub struct JoinedTargets {
    operators: Targets,
    own: Arc<dyn OwnClusters>,
}

impl JoinedTargets {
    /// Joins the operator's clusters with those that projects have stored.
    #[must_use]
    pub fn new(operators: Targets, own: Arc<dyn OwnClusters>) -> Self {
        Self { operators, own }
    }
}

#[async_trait]
impl ClusterTargets for JoinedTargets {
    fn operators(&self) -> &Targets {
        &self.operators
    }

    async fn targets(&self, project: &str) -> Result<ProjectTargets, StoreError> {
        let mut targets = ProjectTargets::from(self.operators.clone());
        for record in self.own.own_clusters(project).await? {
            match record.cluster {
                Some(cluster) => targets
                    .own
                    .push(OwnTarget { name: record.name, environments: cluster.environments }),
                None => targets.gone.push(record.name),
            }
        }
        Ok(targets)
    }
}
