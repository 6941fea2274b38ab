//! Receivers of messages about a job, from the project's file as it is when the job is accepted.

use crate::services::Services;
use windlass_model::{
    app::App,
    job::{Release, Source},
    outbox::Receiver,
    project::ProjectSpec,
};

/// Number of releases by which the repository of an earlier one is looked for: a rollback may lead to a rollback.
const MOST_STEPS: usize = 10;

impl Services {
    /// Returns who hears of a job.
    pub(crate) async fn receivers(
        &self,
        project: &ProjectSpec,
        app: &App,
        source: &Source,
    ) -> Vec<Receiver> {
        let (url, commit) = match source {
            Source::Commit(commit) => (commit.repository.clone(), commit.id.clone()),
            // Of no commit: only endpoints hear of it.
            Source::Removal(_) => (String::new(), String::new()),
            Source::Release(release) => {
                (self.repository_of(release).await.unwrap_or_default(), release.commit.clone())
            }
        };
        project.receivers(app, &url, &commit)
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
                Source::Removal(_) => return None,
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
        projects::ApplyProject,
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
        let all = Caller::with_all_rights("uid:0".into());
        let request = ApplyProject { toml: SHOP.into(), expected: None, dry_run: false };
        world.services.apply_project(&all, request).await.unwrap();
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
