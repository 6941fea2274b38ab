//! Removal: a job that deletes all that Windlass made for an app in an environment, and nothing else.

use crate::{
    caller::Caller, check, error::ServiceError, services::Services, submit::NewJob, verb::Verb,
};
use std::collections::BTreeMap;
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    app::App,
    job::{Gate, Release, Removal, Source},
    preview::PreviewState,
    spec::Spec,
};

/// Request to remove an app.
#[derive(Clone, Debug)]
pub struct RemoveRequest {
    /// Id that the caller chose, 1 to 64 printable ASCII characters without spaces.
    /// A repeat with the same `body` is one job.
    pub request_id: String,
    /// Whole request as the door received it. It distinguishes a repeat from another request.
    pub body: Vec<u8>,
    pub app: App,
    /// Volume claims go too, with all that they hold. Those of a preview go in any case.
    pub data: bool,
    /// Names of clusters. Empty means all clusters that are for the app.
    pub clusters: Vec<String>,
}

/// An object that a removal finds in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedObject {
    pub cluster: String,
    /// Kind and name.
    pub object: String,
    /// The reason for which the object stays. `None` means that it goes.
    pub stays: Option<String>,
}

impl Services {
    /// Accepts a job that removes an app. It waits for the app's running job, and takes the place of those that wait.
    /// The answer to a repeat of a request is the job of the first.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a field, [`ServiceError::Exhausted`] where there is no room for one more.
    pub async fn remove(
        &self,
        caller: &Caller,
        request: RemoveRequest,
    ) -> Result<JobRecord, ServiceError> {
        self.remove_kept(caller, request, Vec::new()).await
    }

    /// Accepts a removal with the gates of an earlier job. See [`Self::remove`].
    pub(crate) async fn remove_kept(
        &self,
        caller: &Caller,
        request: RemoveRequest,
        gates: Vec<Gate>,
    ) -> Result<JobRecord, ServiceError> {
        let RemoveRequest { request_id, body, app, data, clusters } = request;
        caller.may(Verb::Deploy, &app.project)?;
        check::request_id(&request_id)?;
        if let Some(known) = self.jobs.submitted(&caller.name, &request_id, &body).await? {
            return Ok(known);
        }
        if clusters.is_empty() {
            self.check_reachable(&app).await?;
        }
        // A preview's data goes with it.
        let preview = self.previews.preview(&app).await?;
        let data = data || preview.is_some();
        let all = self.clusters_of(&app, &[]).await.map(|all| all.names);
        let clusters = self.clusters_of(&app, &clusters).await?;
        // What stays in another cluster is still to end with the preview.
        let is_whole = all.is_ok_and(|all| all.iter().all(|name| clusters.names.contains(name)));
        let job = NewJob {
            clusters,
            app,
            source: Source::Removal(Removal { data }),
            spec: Spec::default(),
            labels: BTreeMap::new(),
            timeout: check::timeout(None)?,
            gates,
            principal: caller.name.clone(),
            preview: None,
            // The next push makes it again.
            ends: preview.filter(|_| is_whole).map(|known| (known, PreviewState::Removed)),
        };
        self.accept(request_id, body, job).await
    }

    /// Returns what a removal of an app would find now, by cluster, those that go first first. An empty `clusters` means
    /// all that are for the app. Changes nothing.
    ///
    /// # Errors
    /// [`ServiceError::Failed`] for a cluster that does not answer.
    pub async fn plan_removal(
        &self,
        caller: &Caller,
        app: &App,
        data: bool,
        clusters: &[String],
    ) -> Result<Vec<RemovedObject>, ServiceError> {
        caller.may(Verb::Deploy, &app.project)?;
        if clusters.is_empty() {
            self.check_reachable(app).await?;
        }
        let clusters = self.clusters_of(app, clusters).await?.names;
        let data = data || self.previews.preview(app).await?.is_some();
        let mut all = Vec::new();
        for placed in Release::bare("", app, &clusters).each() {
            let made = self.inspection.made(&placed, data).await?;
            all.extend(made.into_iter().map(|made| RemovedObject {
                cluster: placed.cluster().to_owned(),
                object: made.object,
                stays: made.stays,
            }));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, app, caller, release, submit},
        rollback::RollbackRequest,
    };
    use windlass_engine::queue::{Message, Need};
    use windlass_model::{
        event::Event,
        outcome::{Outcome, Removed},
    };

    fn request(request_id: &str, clusters: &[&str]) -> RemoveRequest {
        RemoveRequest {
            request_id: request_id.into(),
            body: request_id.into(),
            app: app("shop"),
            data: false,
            clusters: clusters.iter().map(ToString::to_string).collect(),
        }
    }

    fn rollback(to: Option<&str>) -> RollbackRequest {
        RollbackRequest {
            request_id: format!("back-{}", to.unwrap_or_default()),
            body: Vec::new(),
            app: app("shop"),
            to: to.map(Into::into),
            clusters: Vec::new(),
            order: None,
        }
    }

    #[tokio::test]
    async fn a_removal_is_one_job_of_the_app_that_needs_no_checkout() {
        let world = World::new();
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let error = world.services.remove(&reader, request("one", &[])).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let first = world.services.remove(&ci, request("one", &[])).await.unwrap().job;
        let again = world.services.remove(&ci, request("one", &[])).await.unwrap().job;
        assert_eq!(first.id, again.id);
        assert_eq!(first.source, Source::Removal(Removal { data: false }));
        let queued = world.queued();
        let [Message::Submitted { first, .. }] = &*queued else { panic!("{queued:?}") };
        assert_eq!(*first, Need::Release(vec!["eu".into(), "us".into()]));
        let error = world.services.remove(&ci, request("two", &["mars"])).await.unwrap_err();
        assert!(error.to_string().starts_with("clusters[0]: `mars`"), "{error}");
    }

    #[tokio::test]
    async fn what_was_removed_cannot_be_rolled_back_to_and_can_be_deployed_again() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let mut ids = Vec::new();
        for (request_id, digest) in [("one", "old"), ("two", "new")] {
            let id = world.services.submit(&ci, submit(request_id)).await.unwrap().job.id;
            world.succeeds(release(&id, digest, &["eu", "us"])).await;
            ids.push(id);
        }
        let id = world.services.remove(&ci, request("gone", &[])).await.unwrap().job.id;
        let clusters = vec!["eu".into(), "us".into()];
        let removed = Removed { job: id.clone(), app: app("shop"), clusters };
        world.append(&id, Event::Ended(Outcome::Removed(removed))).await;
        for to in [None, Some(&*ids[0]), Some(&*ids[1])] {
            let error = world.services.rollback(&ci, rollback(to)).await.unwrap_err();
            assert_eq!(error.reason(), "removed", "{to:?}: {error}");
            assert!(error.to_string().contains(&id), "{error}");
        }
        let status = world.services.app_status(&ci, app("shop")).await.unwrap();
        assert!(status.clusters.iter().all(|cluster| cluster.release.is_none()));
        let id = world.services.submit(&ci, submit("three")).await.unwrap().job.id;
        world.succeeds(release(&id, "third", &["eu", "us"])).await;
        // It is a first release: nothing is before it.
        let error = world.services.rollback(&ci, rollback(None)).await.unwrap_err();
        assert_eq!(error.reason(), "no-earlier-release");
        let error = world.services.rollback(&ci, rollback(Some(&ids[1]))).await.unwrap_err();
        assert_eq!(error.reason(), "removed");
        world.services.rollback(&ci, rollback(Some(&id))).await.unwrap();
    }

    #[tokio::test]
    async fn what_goes_is_listed_by_cluster() {
        let world = World::new();
        world.inspect.has("Deployment web", None);
        world.inspect.has("PersistentVolumeClaim web-disk", Some("it holds data"));
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let found =
            world.services.plan_removal(&ci, &app("shop"), false, &["us".into()]).await.unwrap();
        let shown: Vec<_> = found.iter().map(|one| (&*one.cluster, &*one.object)).collect();
        assert_eq!(shown, [("us", "Deployment web"), ("us", "PersistentVolumeClaim web-disk")]);
        assert_eq!(found[1].stays.as_deref(), Some("it holds data"));
        assert!(world.accepted().await.is_empty());
    }
}
