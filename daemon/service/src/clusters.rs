//! Clusters that an app's jobs go to, and those where it serves.

use crate::{check, error::ServiceError, services::Services};
use windlass_model::{
    app::App,
    cluster::{Clusters, NoCluster, RolloutOrder},
};

impl Services {
    /// Returns the clusters that a job goes to. An empty `wanted` means all of the project's own that are for the app, or
    /// else all of the operator's.
    pub(crate) async fn clusters(
        &self,
        app: &App,
        wanted: &[String],
        order: Option<RolloutOrder>,
    ) -> Result<Clusters, ServiceError> {
        let targets = self.targets.targets(&app.project).await?;
        check::clusters(&targets, app, wanted, order)
    }

    /// Returns the clusters of [`Self::clusters`], and where `wanted` is empty also those in which an earlier release of
    /// the app serves: a project may have got clusters of its own since.
    pub(crate) async fn clusters_of(
        &self,
        app: &App,
        wanted: &[String],
    ) -> Result<Clusters, ServiceError> {
        let targets = self.targets.targets(&app.project).await?;
        let mut clusters = check::clusters(&targets, app, wanted, None)?;
        if wanted.is_empty() {
            for name in targets.reachable(app) {
                if !clusters.names.contains(&name)
                    && self.releases.last_release(app, &name).await?.is_some()
                {
                    clusters.names.push(name);
                }
            }
        }
        Ok(clusters)
    }

    /// Checks that an app serves in no cluster that its project had and removed: nobody could delete it there.
    pub(crate) async fn check_reachable(&self, app: &App) -> Result<(), ServiceError> {
        for name in self.targets.targets(&app.project).await?.gone {
            if self.releases.last_release(app, &name).await?.is_some() {
                let project = app.project.clone();
                return Err(check::no_cluster(NoCluster::Gone { name, project }));
            }
        }
        Ok(())
    }
}
