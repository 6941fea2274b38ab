//! Accepts jobs: each is stored once per caller and request id, then given to the dispatcher.

use crate::{
    busy::busy,
    caller::Caller,
    check,
    error::ServiceError,
    finish::finish,
    preview_push::{self, NewPreview, preview_app},
    services::Services,
    source::SourceRequest,
    verb::Verb,
};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;
use windlass_engine::{
    ports::store::{Filter, JobRecord, Submission, Submitted},
    queue::Message,
};
use windlass_model::{
    app::App,
    cluster::{Clusters, RolloutOrder},
    job::{Commit, Gate, Job, Source},
    outbox::Receiver,
    preview::{PreviewRecord, PreviewState},
    project::{ApprovalRule, ProjectSpec},
    revision::Revision,
    spec::Spec,
};

/// Request to deploy a commit.
#[derive(Clone)]
pub struct SubmitRequest {
    /// Id that the caller chose, 1 to 64 printable ASCII characters without spaces.
    /// A repeat with the same `body` is one job.
    pub request_id: String,
    /// Whole request as the door received it. It distinguishes a repeat from another request.
    pub body: Vec<u8>,
    pub app: App,
    /// Names of clusters, in order. Empty means all clusters that are for the app.
    pub clusters: Vec<String>,
    /// Order in which the release goes to the clusters. `None` means the operator's order.
    pub order: Option<RolloutOrder>,
    pub source: SourceRequest,
    /// Spec of the request, which goes before `windlass.toml`.
    pub spec: Spec,
    /// Labels for people and searches. `traceparent` is the context of the caller's trace; Windlass interprets no other.
    pub labels: BTreeMap<String, String>,
    /// Seconds that the job may take until its plan is made, 1 to 86400. `None` means one hour. The wait before it
    /// begins does not count.
    pub timeout_seconds: Option<i64>,
    /// Name of the preview environment that is deployed to, in the place of the app's environment. `None` means that
    /// the job goes to the environment of `app`.
    pub preview: Option<String>,
}

/// Parts that a job keeps of the one that it repeats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// Gates, whatever the project's file says by now.
    pub(crate) gates: Vec<Gate>,
    /// The commit is of a fork.
    pub(crate) is_fork: bool,
    /// Revision that led to the commit: it tells those who approve what it is. Empty means that the request's own does.
    pub(crate) revision: String,
}

/// A job before it is accepted: without an id and a time.
pub(crate) struct NewJob {
    pub(crate) app: App,
    pub(crate) clusters: Clusters,
    pub(crate) source: Source,
    pub(crate) spec: Spec,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    /// Gates beside those that the project's file gives to the environment.
    pub(crate) gates: Vec<Gate>,
    pub(crate) principal: String,
    /// `None` means that the job deploys to no preview.
    pub(crate) preview: Option<NewPreview>,
    /// Preview that the job removes, in the state that it has from then on. `None` means that the job ends none.
    pub(crate) ends: Option<(PreviewRecord, PreviewState)>,
}

impl NewJob {
    /// Returns the job with an id of its own, which is greater than `newest`. The store sets the time.
    fn accepted(self, newest: Option<&str>) -> Job {
        let Self {
            app,
            clusters,
            source,
            spec,
            labels,
            timeout,
            gates,
            principal,
            preview,
            ends: _,
        } = self;
        let preview = preview.map(|preview| preview.limits);
        let id = id_after(newest, Uuid::now_v7()).to_string();
        Job {
            id,
            app,
            clusters,
            source,
            spec,
            preview,
            labels,
            timeout,
            gates,
            principal,
            created_ms: 0,
        }
    }
}

/// Returns `now`, or an id after `newest` where the clock was put back since that id was made. Ids are the order of
/// jobs and releases: a release with a smaller id than the one before would never be the last one, and a failure
/// after it would put back an older release.
fn id_after(newest: Option<&str>, now: Uuid) -> Uuid {
    let newest = newest.and_then(|id| Uuid::parse_str(id).ok());
    let Some(newest) = newest.filter(|newest| *newest >= now) else { return now };
    // The first 48 bits are the milliseconds since 1970.
    let millis = u64::try_from(newest.as_u128() >> 80).unwrap_or_default() + 1;
    let [_, _, _, _, _, _, random @ ..] = now.into_bytes();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

impl Services {
    /// Accepts a job. The answer to a repeat of a request is the job of the first.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a field, [`ServiceError::Failed`] if a revision leads to no commit,
    /// [`ServiceError::Exhausted`] where there is no room for one more.
    pub async fn submit(
        &self,
        caller: &Caller,
        request: SubmitRequest,
    ) -> Result<JobRecord, ServiceError> {
        Ok(self.submit_for(caller, request, Vec::new()).await?.record)
    }

    /// Accepts a job that `receivers` hear of, beside those of the app's project. Those of a repeat are not added:
    /// a job keeps the receivers that it was accepted with.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn submit_for(
        &self,
        caller: &Caller,
        request: SubmitRequest,
        receivers: Vec<Receiver>,
    ) -> Result<Submitted, ServiceError> {
        self.submit_kept(caller, request, receivers, Kept::default()).await
    }

    /// Accepts a job that keeps something of an earlier one. See [`Self::submit_for`].
    pub(crate) async fn submit_kept(
        &self,
        caller: &Caller,
        request: SubmitRequest,
        receivers: Vec<Receiver>,
        kept: Kept,
    ) -> Result<Submitted, ServiceError> {
        let SubmitRequest {
            request_id,
            body,
            app,
            clusters,
            order,
            source,
            spec,
            labels,
            timeout_seconds,
            preview,
        } = request;
        caller.may(Verb::Deploy, &app.project)?;
        check::request_id(&request_id)?;
        // A repeat is the job that there is, wherever the revision leads and the app may go by now.
        if let Some(known) = self.jobs.submitted(&caller.name, &request_id, &body).await? {
            return Ok(Submitted { record: known, is_new: false });
        }
        let Kept { gates, is_fork, revision: kept } = kept;
        // Of a fork nothing runs without the limits of a preview.
        let is_wished = preview.is_some() || is_fork;
        let app = match preview {
            Some(name) => preview_app(app, &name)?,
            None => app,
        };
        let clusters = self.clusters(&app, &clusters, order).await?;
        let (commit, revision) = source.checked()?;
        spec.check()?;
        check::labels(&labels)?;
        let timeout = check::timeout(timeout_seconds)?;
        let commit = match revision {
            None => commit,
            // It reads the repository, as a plan does.
            Some(_) => {
                let resolved = self.resolved(&app, commit, revision);
                self.plan_slots.run(&app.project, resolved).await?
            }
        };
        let commit = if kept.is_empty() { commit } else { Commit { revision: kept, ..commit } };
        let preview = self.new_preview(&app, &commit.id, None, is_wished).await?;
        let preview = if is_fork { preview.map(NewPreview::of_fork) } else { preview };
        if let Some(preview) = &preview {
            // The app's file may name more. It is read, and limited, when the job runs.
            preview.limits.limit(spec.clone())?;
        }
        let source = Source::Commit(commit);
        let principal = caller.name.clone();
        let job = NewJob {
            app,
            clusters,
            source,
            spec,
            labels,
            timeout,
            gates,
            principal,
            preview,
            ends: None,
        };
        self.accept_for(request_id, body, job, receivers).await
    }

    /// Returns the commit of a request, which may name a revision instead.
    pub(crate) async fn resolved(
        &self,
        app: &App,
        commit: Commit,
        revision: Option<Revision>,
    ) -> Result<Commit, ServiceError> {
        match revision {
            Some(revision) => Ok(self.planner.resolve(app, commit, &revision).await?),
            None => Ok(commit),
        }
    }

    /// Stores a job and gives it to the dispatcher. A repeat is not given.
    ///
    /// # Errors
    /// [`ServiceError::Exhausted`] if the project, or all projects, have as many jobs as they may;
    /// [`ServiceError::Conflict`] for a preview that is closed, or one too many;
    /// [`ServiceError::Unavailable`] for a project that cannot be read: it may ask for an approval.
    pub(crate) async fn accept(
        &self,
        request_id: String,
        body: Vec<u8>,
        job: NewJob,
    ) -> Result<JobRecord, ServiceError> {
        Ok(self.accept_for(request_id, body, job, Vec::new()).await?.record)
    }

    /// Stores a job that `receivers` hear of, beside those of the app's project. See [`Self::accept`].
    async fn accept_for(
        &self,
        request_id: String,
        body: Vec<u8>,
        job: NewJob,
        receivers: Vec<Receiver>,
    ) -> Result<Submitted, ServiceError> {
        let turn = self.quota.turn().await;
        self.accept_in(turn, request_id, body, job, receivers).await
    }

    /// Stores a job in a turn that the caller has waited for.
    ///
    /// # Errors
    /// As [`Self::accept`].
    pub(crate) async fn accept_in(
        &self,
        turn: OwnedMutexGuard<()>,
        request_id: String,
        body: Vec<u8>,
        mut job: NewJob,
        mut receivers: Vec<Receiver>,
    ) -> Result<Submitted, ServiceError> {
        let project = self.projects.project(&job.app.project).await?;
        let project = project.as_ref().map(|record| &record.spec);
        job.gates.extend(project.and_then(|spec| gate(spec, &job.app)));
        job.gates.sort_unstable();
        job.gates.dedup();
        if let Some(spec) = project {
            receivers.extend(self.receivers(spec, &job).await);
        }
        let Self { jobs, runs, previews, quota, queue, .. } = self.clone();
        finish(async move {
            let _turn = turn;
            let project = &job.app.project;
            quota.check(project, jobs.count_unfinished(project).await?)?;
            if let Some(preview) = &job.preview {
                preview_push::open(&*previews, preview).await?;
            } else if matches!(job.source, Source::Release(_)) {
                preview_push::check_not_ended(&*previews, &job.app).await?;
            }
            // A newer job ends what waits, and this one is to end nothing.
            if matches!(job.source, Source::Contract(_)) && runs.has_unfinished(&job.app).await? {
                return Err(busy(&job.app));
            }
            let ends = job.ends.take();
            let newest = jobs.jobs(&Filter { limit: 1, ..Filter::default() }).await?;
            let job = job.accepted(newest.oldest());
            let submission = Submission { request_id, body, job, receivers };
            let submitted = jobs.submit(submission).await?;
            if submitted.is_new {
                let _ = queue.send(Message::submitted(&submitted.record.job, false));
            }
            if let Some((record, state)) = ends {
                // In this turn: a push that comes next opens it again, and nobody closes what that has opened.
                previews.end_preview(&record, state, &submitted.record.job.id).await?;
            }
            Ok(submitted)
        })
        .await
    }
}

/// Returns the gate that a project's file gives to the jobs of an app's environment. `None` means that it gives none.
fn gate(project: &ProjectSpec, app: &App) -> Option<Gate> {
    project.environments.get(&app.environment)?.approval.map(ApprovalRule::gate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, id_of, submit};
    use windlass_model::spec::ProcessSpec;

    #[tokio::test]
    async fn a_caller_without_the_right_learns_nothing_of_what_is_wrong() {
        let world = World::new();
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let request = SubmitRequest { clusters: vec!["mars".into()], ..submit("one") };
        let error = world.services.submit(&reader, request).await.unwrap_err();
        assert!(matches!(error, ServiceError::Forbidden { verb: Verb::Deploy, .. }), "{error}");
        assert!(world.queued().is_empty() && world.accepted().await.is_empty());
    }

    #[test]
    fn ids_ascend_though_the_clock_is_put_back() {
        let now = Uuid::now_v7();
        assert_eq!(id_after(None, now), now);
        assert_eq!(id_after(Some("no id of a job"), now), now);
        let older = uuid::Builder::from_unix_timestamp_millis(7, &[1; 10]).into_uuid();
        assert_eq!(id_after(Some(&older.to_string()), now), now);
        let after = id_after(Some(&now.to_string()), older);
        assert!(after > now && after.get_version_num() == 7, "{after}");
        assert!(id_after(Some(&after.to_string()), older).to_string() > after.to_string());
    }

    #[tokio::test]
    async fn a_repeat_is_the_job_that_there_is() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let first = world.services.submit(&ci, submit("one")).await.unwrap();
        world.planner.moves_to("other");
        let again = world.services.submit(&ci, submit("one")).await.unwrap();
        assert_eq!((again.job.id, world.accepted().await.len()), (first.job.id.clone(), 1));
        assert_eq!(world.queued(), [Message::submitted(&first.job, false)]);
        // The same id of another caller is another request.
        let other = caller("other", &["shop"], &[Verb::Deploy]);
        let second = world.services.submit(&other, submit("one")).await.unwrap();
        assert_ne!(second.job.id, first.job.id);
    }

    #[tokio::test]
    async fn a_request_id_is_of_one_request() {
        let world = World::new();
        let ci = caller("ci", &["*"], &[Verb::Deploy]);
        world.services.submit(&ci, submit("one")).await.unwrap();
        let other = SubmitRequest { body: b"other".to_vec(), ..submit("one") };
        let error = world.services.submit(&ci, other).await.unwrap_err();
        assert!(error.to_string().contains("was used for another request"), "{error}");
        assert_eq!(error.reason(), "field-invalid");
    }

    #[tokio::test]
    async fn a_job_holds_the_commit_that_its_revision_led_to() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        world.planner.moves_to("first");
        let record = world.services.submit(&ci, submit("one")).await.unwrap();
        let Source::Commit(commit) = record.job.source else { panic!("it is no commit") };
        assert_eq!((&*commit.id, &*commit.revision), (&*id_of("first"), "main"));
        assert_eq!((record.job.principal, record.job.app), ("ci".into(), app("shop")));
        assert_eq!(record.job.clusters.names, ["eu", "us"]);
        assert_eq!(record.job.timeout, Duration::from_secs(3600));
    }

    #[tokio::test]
    async fn the_first_wrong_field_is_named_and_nothing_is_stored() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let folder = SourceRequest { directory: "..".into(), ..submit("one").source };
        let processes = BTreeMap::from([("Web".to_owned(), ProcessSpec::default())]);
        let spec = Spec { processes, ..Spec::default() };
        for (request, field) in [
            (SubmitRequest { request_id: String::new(), ..submit("one") }, "request_id"),
            (SubmitRequest { clusters: vec!["mars".into()], ..submit("one") }, "clusters[0]"),
            (SubmitRequest { source: folder, ..submit("one") }, "source.directory"),
            (SubmitRequest { spec, ..submit("one") }, "spec.processes"),
            (SubmitRequest { timeout_seconds: Some(0), ..submit("one") }, "timeout"),
        ] {
            let error = world.services.submit(&ci, request).await.unwrap_err();
            assert!(error.to_string().starts_with(&format!("{field}: ")), "{error}");
        }
        assert!(world.accepted().await.is_empty());
    }
}
