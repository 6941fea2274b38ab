//! Endpoints that hear what comes of a preview.

use crate::{services::Services, submit::NewJob};
use windlass_engine::ports::store::StoreError;
use windlass_model::{
    job::Source,
    outbox::{PreviewChange, PullRequest, Receiver},
    outcome::Outcome,
    preview::{PreviewRecord, PreviewState},
    project::ProjectSpec,
};

impl Services {
    /// Returns the endpoints that hear of the preview that a job deploys to, or removes from all of its clusters. Empty
    /// means that the job does neither, or that the project has no endpoint.
    pub(super) async fn hearing_of_preview(
        &self,
        project: &ProjectSpec,
        job: &NewJob,
    ) -> Result<Vec<Receiver>, StoreError> {
        let found = match (&job.preview, &job.ends, &job.source) {
            (Some(preview), _, _) => Some((PreviewChange::Ready, preview.push.record.clone())),
            (None, Some((record, _)), _) if self.is_gone(record).await? => None,
            (None, Some((record, _)), _) => Some((PreviewChange::Removed, record.clone())),
            (None, None, Source::Release(_)) => {
                let known = self.previews.preview(&job.app).await?;
                known.map(|record| (PreviewChange::Ready, record))
            }
            (None, None, Source::Commit(_) | Source::Contract(_) | Source::Removal(_)) => None,
        };
        let Some((change, record)) = found else { return Ok(Vec::new()) };
        let pull = pull_request(project, &record);
        let receiver = |name: &String| Receiver::Preview {
            name: name.clone(),
            change,
            environment: record.app.environment.clone(),
            pull: pull.clone(),
        };
        Ok(project.endpoints.keys().map(receiver).collect())
    }

    /// Returns whether the removal of a preview has succeeded already: whoever removes it once more changes nothing.
    async fn is_gone(&self, record: &PreviewRecord) -> Result<bool, StoreError> {
        if record.state == PreviewState::Open || record.removal.is_empty() {
            return Ok(false);
        }
        let removal = self.jobs.job(&record.removal).await?;
        Ok(removal.is_some_and(|job| matches!(job.outcome, Some(Outcome::Removed(_)))))
    }
}

/// Returns the pull request of a preview. `None` means that a caller chose its name.
fn pull_request(project: &ProjectSpec, record: &PreviewRecord) -> Option<PullRequest> {
    let number = record.number?;
    let repository = project.repositories.get(&record.repository);
    let page = repository
        .and_then(|repository| repository.forge.as_ref()?.kind.pull_page(&repository.url, number));
    Some(PullRequest { repository: record.repository.clone(), number, page })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, app, caller, release, submit},
        remove::RemoveRequest,
        submit::SubmitRequest,
        verb::Verb,
    };
    use std::sync::Arc;
    use windlass_engine::ports::store::OutboxFilter;
    use windlass_model::{
        app::App,
        cluster::{RolloutOrder, Target, Targets},
        event::Event,
        job::Release,
        outcome::Removed,
    };

    const SHOP: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/shop/web.git"
forge = { kind = "gitea", api = "https://git.example/api/v1" }

[apps.web]
repository = "web"

[previews]

[endpoints.chat]
url = "https://chat.example/hook"
secret = "chat"
events = ["preview.ready", "preview.removed"]
"#;

    /// A world with one cluster for all environments, and a project with previews.
    async fn world() -> World {
        let mut world = World::new();
        let target = Target { name: "eu".into(), projects: Vec::new(), environments: Vec::new() };
        let targets = Targets { all: vec![target], order: RolloutOrder::Sequential };
        world.services.targets = Arc::new(targets);
        world.apply(SHOP).await;
        world
    }

    /// Returns what endpoints hear of previews, the oldest first.
    async fn heard(world: &World) -> Vec<(PreviewChange, Option<PullRequest>)> {
        let project = "shop".to_owned();
        let filter = OutboxFilter { project, limit: 99, ..OutboxFilter::default() };
        let mut all = world.services.outbox.messages(&filter).await.unwrap();
        all.reverse();
        let change = |receiver| match receiver {
            Receiver::Preview { change, pull, environment, .. } => {
                assert_eq!(environment, "pr-blue");
                Some((change, pull))
            }
            _ => None,
        };
        all.into_iter().filter_map(|message| change(message.receiver)).collect()
    }

    #[tokio::test]
    async fn a_preview_is_ready_once_its_job_succeeded_and_removed_once_all_is_gone() {
        let world = world().await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let request = SubmitRequest { preview: Some("blue".into()), ..submit("one") };
        let job = world.services.submit(&ci, request).await.unwrap().job;
        assert!(heard(&world).await.is_empty(), "nothing serves yet");
        let app = job.app.clone();
        world.succeeds(Release { app: app.clone(), ..release(&job.id, "one", &["eu"]) }).await;
        assert_eq!(heard(&world).await, [(PreviewChange::Ready, None)]);
        let request = RemoveRequest {
            request_id: "gone".into(),
            body: Vec::new(),
            app: app.clone(),
            data: false,
            clusters: Vec::new(),
        };
        let job = world.services.remove(&ci, request).await.unwrap().job.id;
        assert_eq!(heard(&world).await.len(), 1, "the removal has not begun");
        let removed = Removed { job: job.clone(), app: app.clone(), clusters: vec!["eu".into()] };
        world.append(&job, Event::Ended(Outcome::Removed(removed))).await;
        assert_eq!(heard(&world).await[1..], [(PreviewChange::Removed, None)]);
        // Nothing is there any more.
        let request = RemoveRequest {
            request_id: "again".into(),
            body: Vec::new(),
            app: app.clone(),
            data: false,
            clusters: Vec::new(),
        };
        let job = world.services.remove(&ci, request).await.unwrap().job.id;
        let removed = Removed { job: job.clone(), app, clusters: vec!["eu".into()] };
        world.append(&job, Event::Ended(Outcome::Removed(removed))).await;
        assert_eq!(heard(&world).await.len(), 2);
    }

    #[tokio::test]
    async fn what_is_no_preview_says_nothing_of_one() {
        let world = world().await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let job = world.services.submit(&ci, submit("one")).await.unwrap().job;
        world.succeeds(Release { app: app("shop"), ..release(&job.id, "one", &["eu"]) }).await;
        assert!(heard(&world).await.is_empty());
    }

    #[tokio::test]
    async fn a_pull_request_is_named_with_its_page() {
        let world = world().await;
        let project = world.services.projects.project("shop").await.unwrap().unwrap().spec;
        let record = |repository: &str, number: Option<u64>| PreviewRecord {
            app: App::new("shop", "web", "pr-7").unwrap(),
            state: PreviewState::Open,
            repository: repository.into(),
            number,
            head: String::new(),
            last_push_ms: 0,
            until_ms: 0,
            removal: String::new(),
        };
        let pull = pull_request(&project, &record("web", Some(7))).unwrap();
        assert_eq!(pull.page.as_deref(), Some("https://git.example/shop/web/pulls/7"));
        let gone = pull_request(&project, &record("before", Some(7))).unwrap();
        assert_eq!((gone.page, gone.number), (None, 7));
        assert_eq!(pull_request(&project, &record("", None)), None);
    }
}
