//! Receivers of messages about a job, from the project's file as it is when the job is accepted.

mod deployments;
mod preview;

use crate::{services::Services, submit::NewJob};
use windlass_model::{
    job::{Release, Source},
    outbox::Receiver,
    project::ProjectSpec,
};

/// Number of releases by which the repository of an earlier one is looked for: a rollback may lead to a rollback.
const MOST_STEPS: usize = 10;

impl Services {
    /// Returns who hears of a job.
    pub(crate) async fn receivers(&self, project: &ProjectSpec, job: &NewJob) -> Vec<Receiver> {
        let (app, source) = (&job.app, &job.source);
        // A removal is of no commit: endpoints hear of it, and Deployments end with it.
        let (url, commit) = self.origin(source).await.unwrap_or_default();
        let mut receivers = project.receivers(app, &url, &commit);
        let ends = match source {
            Source::Removal(_) => self.ended_deployments(project, app, &job.clusters.names).await,
            Source::Commit(_) | Source::Release(_) | Source::Contract(_) => Ok(Vec::new()),
        };
        let previews = self.hearing_of_preview(project, job).await;
        for found in [ends, previews] {
            match found {
                Ok(found) => receivers.extend(found),
                Err(error) => tracing::warn!(%app, %error, "a job has fewer receivers"),
            }
        }
        receivers
    }

    /// Returns the repository and the commit that a job deploys. `None` means that it deploys none.
    async fn origin(&self, source: &Source) -> Option<(String, String)> {
        match source {
            Source::Commit(commit) => Some((commit.repository.clone(), commit.id.clone())),
            Source::Release(release) => {
                let url = self.repository_of(release).await.unwrap_or_default();
                Some((url, release.commit.clone()))
            }
            // Endpoints hear of it: a commit is no other for it.
            Source::Contract(_) | Source::Removal(_) => None,
        }
    }

    /// Returns the URL of the repository that a release was built from. `None` means that the journal has no job that
    /// knows: then only endpoints hear of a rollback.
    pub(crate) async fn repository_of(&self, release: &Release) -> Option<String> {
        let mut id = release.id.clone();
        for _ in 0..MOST_STEPS {
            match self.jobs.job(&id).await.ok().flatten()?.job.source {
                Source::Commit(commit) => return Some(commit.repository),
                Source::Release(before) if before.id == id => return None,
                Source::Release(before) => id = before.id,
                Source::Contract(_) | Source::Removal(_) => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        caller::Caller,
        fakes::{World, app, caller, release, submit},
        rollback::RollbackRequest,
        verb::Verb,
    };
    use windlass_engine::ports::store::OutboxFilter;

    const SHOP: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"
forge = { kind = "gitea", api = "https://git.example/api/v1", token = "forge" }

[apps.web]
repository = "web"

[endpoints.chat]
url = "https://chat.example/hook"
secret = "chat"
"#;

    async fn kinds(world: &World, job: &str) -> Vec<&'static str> {
        let (project, job) = ("shop".to_owned(), Some(job.to_owned()));
        let filter = OutboxFilter { project, job, limit: 100, ..OutboxFilter::default() };
        let messages = world.services.outbox.messages(&filter).await.unwrap();
        let mut kinds: Vec<_> = messages.iter().map(|message| message.receiver.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    #[tokio::test]
    async fn a_job_and_its_rollback_are_reported_to_the_forge_and_to_endpoints() {
        let world = World::new();
        world.apply(SHOP).await;
        let all = Caller::with_all_rights("uid:0".into());
        let mut ids = Vec::new();
        for (request_id, digest) in [("one", "old"), ("two", "new")] {
            let id = world.services.submit(&all, submit(request_id)).await.unwrap().job.id;
            assert_eq!(kinds(&world, &id).await, ["endpoint", "status"]);
            world.succeeds(release(&id, digest, &["eu", "us"])).await;
            ids.push(id);
        }
        let request = RollbackRequest {
            request_id: "back".into(),
            body: Vec::new(),
            app: app("shop"),
            to: None,
            clusters: Vec::new(),
            order: None,
        };
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let back = world.services.rollback(&ci, request).await.unwrap().job;
        let Source::Release(to) = &back.source else { panic!("it is a commit") };
        assert_eq!(to.id, ids[0]);
        assert_eq!(kinds(&world, &back.id).await, ["endpoint", "status"]);
    }

    #[tokio::test]
    async fn a_release_that_no_job_knows_has_no_repository() {
        let world = World::new();
        assert_eq!(world.services.repository_of(&release("none", "new", &["eu"])).await, None);
        // The fake's jobs are rollbacks to their own releases.
        world.released(release("job-1", "new", &["eu"])).await;
        assert_eq!(world.services.repository_of(&release("job-1", "new", &["eu"])).await, None);
    }
}
