//! Deployments of forges that end with the removal of their app.

use crate::services::Services;
use std::collections::BTreeSet;
use windlass_engine::ports::store::{Filter, StoreError};
use windlass_model::{
    app::App,
    job::Source,
    outbox::Receiver,
    project::{ProjectSpec, Reporting, RepositorySpec},
    replay::JobState,
};

/// Number of releases whose clusters are looked at.
const RELEASES: u32 = 100;

/// Number of jobs before the removal that are looked at.
const JOBS: u32 = 20;

impl Services {
    /// Returns the ends of the Deployments of what serves an app, and of what is deployed before the removal from these
    /// clusters. Empty means that none is known, or that the app goes on to serve in another cluster.
    pub(super) async fn ended_deployments(
        &self,
        project: &ProjectSpec,
        app: &App,
        clusters: &[String],
    ) -> Result<Vec<Receiver>, StoreError> {
        let reports = |repository: &RepositorySpec| {
            let forge = repository.forge.as_ref();
            forge.is_some_and(|forge| forge.report.contains(&Reporting::Deployment))
        };
        if !project.repositories.values().any(reports) {
            return Ok(Vec::new());
        }
        let releases = self.releases.releases(app, None, RELEASES).await?;
        let names: BTreeSet<_> =
            releases.into_iter().flat_map(|(release, _)| release.clusters).collect();
        let mut sources = Vec::new();
        for name in names {
            if let Some(release) = self.releases.last_release(app, &name).await? {
                if !clusters.contains(&name) {
                    return Ok(Vec::new());
                }
                sources.push(Source::Release(Box::new(release)));
            }
        }
        // They end before the removal begins. Those that wait give way to it, and say so themselves.
        let filter = Filter {
            projects: Some(vec![app.project.clone()]),
            app: Some(app.name.clone()),
            environment: Some(app.environment.clone()),
            states: vec![JobState::Running, JobState::Held, JobState::RollingBack],
            limit: JOBS,
            ..Filter::default()
        };
        let page = self.jobs.jobs(&filter).await?;
        sources.extend(page.jobs.into_iter().map(|record| record.job.source));
        let mut ends = Vec::new();
        for source in &sources {
            let Some((url, commit)) = self.origin(source).await else { continue };
            let all = project.receivers(app, &url, &commit);
            for end in all.into_iter().filter_map(Receiver::into_end) {
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
        }
        Ok(ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, app, caller, id_of, release, submit},
        remove::RemoveRequest,
        verb::Verb,
    };
    use windlass_model::event::Event;

    const SHOP: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"
forge = { kind = "github", api = "https://git.example/api/v3", token = "forge", report = ["deployment"] }

[apps.web]
repository = "web"
"#;

    async fn world() -> World {
        let world = World::new();
        world.apply(SHOP).await;
        world
    }

    /// Submits the commit with this name, and returns the id of its job.
    async fn submitted(world: &World, name: &str) -> String {
        world.planner.moves_to(name);
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        world.services.submit(&ci, submit(name)).await.unwrap().job.id
    }

    /// Deploys the commit with this name to these clusters.
    async fn deployed(world: &World, name: &str, clusters: &[&str]) {
        let id = submitted(world, name).await;
        let commit = id_of(name);
        let serving = windlass_model::job::Release { commit, ..release(&id, name, clusters) };
        world.succeeds(serving).await;
    }

    /// Returns the commits whose Deployments end with a removal from these clusters.
    async fn ends(world: &World, clusters: &[&str]) -> Vec<String> {
        let project = world.services.projects.project("shop").await.unwrap().unwrap().spec;
        let clusters: Vec<_> = clusters.iter().map(ToString::to_string).collect();
        let ends = world.services.ended_deployments(&project, &app("shop"), &clusters).await;
        let commit = |end| match end {
            Receiver::DeploymentEnd { commit, environment, .. } => {
                assert_eq!(environment, "web/production");
                commit
            }
            other => panic!("{other:?}"),
        };
        ends.unwrap().into_iter().map(commit).collect()
    }

    #[tokio::test]
    async fn what_serves_ends_and_so_does_what_is_on_its_way() {
        let world = world().await;
        assert!(ends(&world, &["eu", "us"]).await.is_empty(), "nothing was deployed");
        deployed(&world, "first", &["eu", "us"]).await;
        deployed(&world, "second", &["us"]).await;
        assert_eq!(ends(&world, &["eu", "us"]).await, [id_of("first"), id_of("second")]);
        assert!(ends(&world, &["eu"]).await.is_empty(), "it serves elsewhere");
        let id = submitted(&world, "third").await;
        world.append(&id, Event::Claimed { daemon: "bed".into() }).await;
        world.append(&id, Event::Started(windlass_model::job::Stage::Clone)).await;
        let expected = [id_of("first"), id_of("second"), id_of("third")];
        assert_eq!(ends(&world, &["eu", "us"]).await, expected);
    }

    #[tokio::test]
    async fn a_removal_keeps_the_ends_as_receivers() {
        let world = world().await;
        deployed(&world, "first", &["eu", "us"]).await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let request = RemoveRequest {
            request_id: "gone".into(),
            body: Vec::new(),
            app: app("shop"),
            data: false,
            clusters: Vec::new(),
        };
        let id = world.services.remove(&ci, request).await.unwrap().job.id;
        let filter = windlass_engine::ports::store::OutboxFilter {
            project: "shop".into(),
            job: Some(id.clone()),
            limit: 9,
            ..Default::default()
        };
        let outbox = world.services.outbox.clone();
        assert!(outbox.messages(&filter).await.unwrap().is_empty(), "it has not begun");
        let removed = windlass_model::outcome::Removed {
            job: id.clone(),
            app: app("shop"),
            clusters: vec!["eu".into(), "us".into()],
        };
        let ended = windlass_model::outcome::Outcome::Removed(removed);
        world.append(&id, Event::Ended(ended)).await;
        let messages = outbox.messages(&filter).await.unwrap();
        let kinds: Vec<_> = messages.iter().map(|one| one.receiver.kind()).collect();
        assert_eq!(kinds, ["deployment-end"]);
    }
}
