//! Plans: answers what a job would do, and changes nothing.

use crate::{
    caller::Caller, error::ServiceError, services::Services, source::SourceRequest, verb::Verb,
};
use windlass_engine::pipeline::{DryRun, DryRunRequest};
use windlass_model::{
    app::App,
    cluster::Clusters,
    job::{Commit, Release},
    revision::Revision,
    spec::Spec,
};

/// Request for the plan of a job that is not to be accepted.
#[derive(Clone)]
pub struct PlanRequest {
    pub app: App,
    /// Names of clusters. Empty means all clusters that are for the app.
    pub clusters: Vec<String>,
    pub source: SourceRequest,
    /// Spec of the request, which goes before `windlass.toml`.
    pub spec: Spec,
}

impl Services {
    /// Returns what a job would do.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a field, [`ServiceError::Failed`] where the job would fail before its
    /// build, [`ServiceError::Exhausted`] and [`ServiceError::Late`] without a place, or after its time.
    pub async fn plan(
        &self,
        caller: &Caller,
        request: PlanRequest,
    ) -> Result<DryRun, ServiceError> {
        let PlanRequest { app, clusters, source, spec } = request;
        // A plan opens a credential and connects to hosts: as much as a deploy.
        caller.may(Verb::Deploy, &app.project)?;
        let (commit, revision) = source.checked()?;
        spec.check()?;
        let clusters = self.clusters(&app, &clusters, None).await?;
        let planned = self.planned(&app, &clusters, commit, revision, &spec);
        self.plan_slots.run(&app.project, planned).await
    }

    async fn planned(
        &self,
        app: &App,
        clusters: &Clusters,
        commit: Commit,
        revision: Option<Revision>,
        spec: &Spec,
    ) -> Result<DryRun, ServiceError> {
        let commit = self.resolved(app, commit, revision).await?;
        let serving = self.serving(app, clusters).await;
        let serving = serving.as_ref();
        let request = DryRunRequest { app, clusters, commit: &commit, spec, serving };
        Ok(self.planner.plan(&request).await?)
    }

    /// Returns a release that serves the app. `None` means that there is none, or that the store failed: the
    /// plan is then only a little less exact.
    async fn serving(&self, app: &App, clusters: &Clusters) -> Option<Release> {
        for cluster in &clusters.names {
            if let Ok(Some(release)) = self.releases.last_release(app, cluster).await {
                return Some(release);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release, submit};

    fn request() -> PlanRequest {
        let source = submit("one").source;
        PlanRequest { app: app("shop"), clusters: Vec::new(), source, spec: Spec::default() }
    }

    #[tokio::test]
    async fn a_plan_takes_the_right_to_deploy_and_leaves_nothing() {
        let world = World::new();
        world.released(release("job-1", "old", &["us"])).await;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let error = world.services.plan(&reader, request()).await.err().unwrap();
        assert_eq!(error.reason(), "permission-denied");
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        world.services.plan(&ci, request()).await.unwrap();
        assert!(world.accepted().await.is_empty() && world.queued().is_empty());
        assert_eq!(world.planner.planned(), ["shop/web/production in eu, us beside job-1"]);
    }
}
