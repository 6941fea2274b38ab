//! Clusters that an app's jobs go to, and those where it serves.

use crate::{check, error::ServiceError, services::Services};
use std::collections::BTreeSet;
use windlass_model::{
    app::App,
    cluster::{Clusters, NoCluster, RolloutOrder, put_back},
};

/// Number of newest releases whose clusters are looked at.
const RELEASES: u32 = 100;

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

    /// Checks that an app serves in no cluster that its project had and removed, or that nobody knows any more, such as
    /// one of a project that was deleted: nobody could delete it there.
    pub(crate) async fn check_reachable(&self, app: &App) -> Result<(), ServiceError> {
        let targets = self.targets.targets(&app.project).await?;
        for name in &targets.gone {
            if self.releases.last_release(app, name).await?.is_some() {
                let (name, project) = (name.clone(), app.project.clone());
                return Err(check::no_cluster(NoCluster::Gone { name, project }));
            }
        }
        let releases = self.releases.releases(app, None, RELEASES).await?;
        let mut unknown: BTreeSet<_> =
            releases.into_iter().flat_map(|(release, _)| release.clusters).collect();
        unknown.retain(|name| !targets.is_own(name) && !targets.operators.has(name));
        for name in unknown {
            if self.releases.last_release(app, &name).await?.is_some() {
                return Err(ServiceError::Conflict {
                    reason: "cluster-unknown",
                    message: format!(
                        "{app} serves in cluster `{name}`, which neither the operator nor project `{}` has now",
                        app.project
                    ),
                    fix: format!(
                        "{}; or leave it there, and name the other clusters: --cluster",
                        put_back(&app.project, &name)
                    ),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        fakes::{World, app, caller, release, submit},
        own_clusters::PutClusterRequest,
        remove::RemoveRequest,
        verb::Verb,
    };
    use windlass_engine::ports::store::Projects;
    use windlass_model::{cluster::PodSecurity, project::ProjectSpec, secret::Secret};

    fn remove(clusters: &[&str]) -> RemoveRequest {
        RemoveRequest {
            request_id: "gone".into(),
            body: Vec::new(),
            app: app("shop"),
            data: false,
            clusters: clusters.iter().map(ToString::to_string).collect(),
        }
    }

    /// Clusters of a project end with it, and what serves in them does not.
    #[tokio::test]
    async fn an_app_of_a_deleted_project_is_not_removed_elsewhere_alone() {
        let world = World::new();
        let services = &world.services;
        let owner = caller("ann", &["shop"], &[Verb::Clusters, Verb::Deploy]);
        let spec = ProjectSpec { project: "shop".into(), ..ProjectSpec::default() };
        world.store.apply_project(&spec, "me", None).await.unwrap();
        let put = PutClusterRequest {
            project: "shop".into(),
            name: "ours".into(),
            environments: Vec::new(),
            pod_security: PodSecurity::Baseline,
            kubeconfig: Secret::new(b"https://k8s".to_vec()),
            unchecked: false,
        };
        services.put_cluster(&owner, put).await.unwrap();
        let id = services.submit(&owner, submit("one")).await.unwrap().job.id;
        world.succeeds(release(&id, "one", &["ours"])).await;
        assert!(world.store.delete_project("shop", "me").await.unwrap());
        let error = services.remove(&owner, remove(&[])).await.unwrap_err();
        assert_eq!(error.reason(), "cluster-unknown");
        assert!(error.to_string().contains(" serves in cluster `ours`"), "{error}");
        assert!(error.fixes()[0].contains("windlass cluster put shop ours"), "{error}");
        services.remove(&owner, remove(&["eu"])).await.unwrap();
    }
}
