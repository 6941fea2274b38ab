//! The service `Jobs`.

use crate::{
    auth::{Verb, caller},
    convert,
    errors::{self, field},
    outgoing,
    serve::Services,
    watch::{Events, watch},
};
use async_trait::async_trait;
use prost::Message;
use tonic::{Request, Response, Status};
use windlass_engine::{
    failure::Failure,
    pipeline::Decision,
    ports::ObjectChange,
    queue,
    records::{Filter, JobRecord, JobState, Submission},
};
use windlass_model::{
    app::App,
    cluster::Clusters,
    job::{Commit, Job, Source},
    outcome::Stop,
    revision::Revision,
    spec::Spec,
};
use windlass_proto::v1::{self, jobs_server};

/// What would be done.
pub struct Planned {
    /// Language, Dockerfile, spec.
    pub decision: Decision,
    /// The text of the Dockerfile that would be built.
    pub dockerfile: String,
    /// The objects, as JSON.
    pub manifests: Vec<String>,
    /// What applying them would change, and in which cluster.
    pub changes: Vec<(String, ObjectChange)>,
}

/// Finds out what a job would do, and changes nothing.
#[async_trait]
pub trait Planner: Send + Sync {
    /// Finds the commit that a revision leads to now, in the repository of `commit`.
    async fn resolve(
        &self,
        app: &App,
        commit: Commit,
        revision: &Revision,
    ) -> Result<Commit, Failure>;
    /// Clones and detects.
    async fn plan(
        &self,
        app: &App,
        clusters: &Clusters,
        commit: &Commit,
        spec: &Spec,
    ) -> Result<Planned, Failure>;
}

#[tonic::async_trait]
impl jobs_server::Jobs for Services {
    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let body = message.encode_to_vec();
        convert::request_id(&message.request_id)?;
        let app = convert::app(message.app)?;
        principal.may(Verb::Deploy, &app.project)?;
        let wanted = &message.clusters;
        let order = message.cluster_order;
        let clusters = convert::clusters(&self.targets, &app, wanted, order)?;
        let (commit, revision) = convert::source(message.source)?;
        let spec = convert::spec(message.spec)?;
        let labels = convert::labels(&message.labels)?;
        let timeout = convert::timeout(message.timeout)?;
        // A repeat is the job that there is, wherever the revision leads by now.
        let known = self.jobs.submitted(&principal.name, &message.request_id, &body).await;
        if let Some(record) = known.map_err(errors::store)? {
            return Ok(Response::new(outgoing::job(record)));
        }
        let commit = self.resolved(&app, commit, revision).await?;
        let job = Job {
            id: uuid::Uuid::now_v7().to_string(),
            app,
            clusters,
            source: Source::Commit(commit),
            spec,
            labels,
            timeout,
            principal: principal.name.clone(),
            created_ms: 0,
        };
        let submission = Submission { request_id: message.request_id, body, job };
        Ok(Response::new(self.accept(submission).await?))
    }

    async fn plan(
        &self,
        request: Request<v1::PlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let app = convert::app(message.app)?;
        // It opens a credential and reaches out: as much as a deploy.
        principal.may(Verb::Deploy, &app.project)?;
        let (commit, revision) = convert::source(message.source)?;
        let spec = convert::spec(message.spec)?;
        let clusters = convert::clusters(&self.targets, &app, &message.clusters, 0)?;
        let commit = self.resolved(&app, commit, revision).await?;
        let planned = self.planner.plan(&app, &clusters, &commit, &spec).await;
        let planned = planned.map_err(|failure| errors::failure(&failure))?;
        let recipe = planned.decision.recipe;
        let decided_by = planned.decision.deciders;
        let spec_json = serde_json::to_string(&planned.decision.spec).unwrap_or_default();
        Ok(Response::new(v1::PlanResponse {
            language: recipe.as_ref().map(|recipe| recipe.language.clone()).unwrap_or_default(),
            detector: recipe.as_ref().map(|recipe| recipe.detector.clone()).unwrap_or_default(),
            evidence: recipe.map(|recipe| recipe.evidence).unwrap_or_default(),
            dockerfile: planned.dockerfile,
            spec_json,
            manifests: planned.manifests,
            changes: planned.changes.into_iter().map(outgoing::change).collect(),
            decided_by: decided_by.into_iter().map(|(path, who)| (path, who.into())).collect(),
        }))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Result<Response<v1::Job>, Status> {
        let principal = caller(&request)?;
        let record = self.find(&request.get_ref().id).await?;
        principal.may(Verb::Read, &record.job.app.project)?;
        Ok(Response::new(outgoing::job(record)))
    }

    async fn list(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> Result<Response<v1::ListJobsResponse>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let limit = convert::page(message.page_size, 50, 500)?;
        let projects = if message.project.is_empty() {
            principal.visible()
        } else {
            principal.may(Verb::Read, &message.project)?;
            Some(vec![message.project])
        };
        let states = message.states.iter().map(|state| wanted(*state)).collect::<Result<_, _>>()?;
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let filter = Filter {
            projects,
            app: some(message.app),
            environment: None,
            states,
            before: some(message.page_token),
            limit,
        };
        let jobs = self.jobs.jobs(&filter).await.map_err(errors::store)?;
        let full = u32::try_from(jobs.len()).is_ok_and(|count| count == limit);
        let last = jobs.last().map(|record| record.job.id.clone()).filter(|_| full);
        Ok(Response::new(v1::ListJobsResponse {
            jobs: jobs.into_iter().map(outgoing::job).collect(),
            next_page_token: last.unwrap_or_default(),
        }))
    }

    type WatchStream = Events;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Events>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let record = self.find(&message.id).await?;
        principal.may(Verb::Read, &record.job.app.project)?;
        let events = watch(self.jobs.clone(), &*self.updates, message.id, message.after_seq);
        Ok(Response::new(events))
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let principal = caller(&request)?;
        let id = request.into_inner().id;
        let record = self.find(&id).await?;
        principal.may(Verb::Deploy, &record.job.app.project)?;
        let why = Stop::Cancelled { by: principal.name.clone() };
        if self.jobs.stop(&id, &why).await.map_err(errors::store)? {
            let _ = self.queue.send(queue::Message::Cancelled { id: id.clone() });
        }
        Ok(Response::new(outgoing::job(self.find(&id).await?)))
    }
}

impl Services {
    async fn find(&self, id: &str) -> Result<JobRecord, Status> {
        let found = self.jobs.job(id).await.map_err(errors::store)?;
        found.ok_or_else(|| errors::missing("job", id, "list them: windlass jobs"))
    }

    /// Returns the commit of a request, which may name a revision instead.
    async fn resolved(
        &self,
        app: &App,
        commit: Commit,
        revision: Option<Revision>,
    ) -> Result<Commit, Status> {
        let Some(revision) = revision else { return Ok(commit) };
        let resolved = self.planner.resolve(app, commit, &revision).await;
        resolved.map_err(|failure| errors::failure(&failure))
    }

    /// Stores a job and tells the queue; a repeat of a request tells nobody.
    pub(crate) async fn accept(&self, submission: Submission) -> Result<v1::Job, Status> {
        let submitted = self.jobs.submit(submission).await.map_err(errors::store)?;
        if submitted.is_new {
            let job = &submitted.record.job;
            let _ = self.queue.send(queue::Message::submitted(job, false));
        }
        Ok(outgoing::job(submitted.record))
    }
}

fn wanted(state: i32) -> Result<JobState, Status> {
    match v1::JobState::try_from(state) {
        Ok(v1::JobState::Waiting) => Ok(JobState::Waiting),
        Ok(v1::JobState::Running) => Ok(JobState::Running),
        Ok(v1::JobState::RollingBack) => Ok(JobState::RollingBack),
        Ok(v1::JobState::Succeeded) => Ok(JobState::Succeeded),
        Ok(v1::JobState::Failed) => Ok(JobState::Failed),
        Ok(v1::JobState::Stopped) => Ok(JobState::Stopped),
        _ => Err(field("states", &state.to_string(), "is no state of a job")),
    }
}
