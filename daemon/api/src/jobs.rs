//! The service `Jobs`.

use crate::{
    auth::{caller, identity},
    convert, errors, outgoing,
    revocable::Revocable,
    serve::Handlers,
    submit, trace,
};
use std::pin::Pin;
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use windlass_engine::ports::{UploadedFile, store::JobRecord};
use windlass_proto::v1::{self, jobs_server, plan_folder_request::Part};
use windlass_service::{
    ApproveRequest, FolderRequest, InterventionRequest, JobsRequest, LONGEST_FILE, PlanRequest,
    RejectRequest, SentFiles, ServiceError, Verb,
};

/// Stream of events to a client.
type Events = Pin<Box<dyn Stream<Item = Result<v1::Event, Status>> + Send + 'static>>;

impl Handlers {
    /// Returns jobs with the reasons for which they wait.
    pub(crate) fn shown(&self, records: Vec<JobRecord>) -> Vec<v1::Job> {
        let waits = self.0.waits(&records);
        outgoing::jobs(records, waits)
    }

    fn shown_one(&self, record: JobRecord) -> v1::Job {
        self.shown(vec![record]).pop().unwrap_or_default()
    }
}

#[tonic::async_trait]
impl jobs_server::Jobs for Handlers {
    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let parent = trace::parent(request.metadata());
        let message = request.into_inner();
        // Before another wrong field is named. The use case checks it once more.
        let mut request = submit::read(message, |app| {
            caller.may(Verb::Deploy, &app.project).map_err(errors::service)
        })?;
        // Not in the body: a repeat of the request is a part of another trace, and the same job.
        trace::keep(&mut request.labels, parent);
        let record = self.0.submit(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::job(record)))
    }

    async fn plan(
        &self,
        request: Request<v1::PlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let app = convert::app(message.app)?;
        caller.may(Verb::Deploy, &app.project).map_err(errors::service)?;
        let request = PlanRequest {
            app,
            clusters: message.clusters,
            source: convert::source(message.source)?,
            spec: convert::spec(message.spec)?,
        };
        let planned = self.0.plan(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::plan(planned)))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let record = self.0.get_job(&caller, &request.get_ref().id).await;
        Ok(Response::new(self.shown_one(record.map_err(errors::service)?)))
    }

    async fn list(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> Result<Response<v1::ListJobsResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let project = convert::given(message.project);
        if let Some(project) = &project {
            caller.may(Verb::Read, project).map_err(errors::service)?;
        }
        let request = JobsRequest {
            project,
            app: convert::given(message.app),
            states: message.states.into_iter().map(convert::state).collect::<Result<_, _>>()?,
            before: convert::given(message.page_token),
            page_size: message.page_size,
        };
        let page = self.0.list_jobs(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(v1::ListJobsResponse {
            jobs: self.shown(page.jobs),
            next_page_token: page.next.unwrap_or_default(),
            unreadable: page.unreadable.into_iter().map(outgoing::unreadable).collect(),
        }))
    }

    type WatchStream = Events;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Events>, Status> {
        let identity = identity(&request)?;
        let v1::WatchRequest { id, after_seq } = request.into_inner();
        let events =
            self.0.watch_job(&identity.caller, id, after_seq).await.map_err(errors::service)?;
        let events = ReceiverStream::new(events)
            .map(|event| event.map(outgoing::event).map_err(errors::service));
        let events: Events = Box::pin(Revocable::new(events, identity));
        Ok(Response::new(events))
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let record = self.0.cancel(&caller, &request.get_ref().id).await;
        Ok(Response::new(self.shown_one(record.map_err(errors::service)?)))
    }

    async fn approve(
        &self,
        request: Request<v1::ApproveRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let v1::ApproveRequest { id, digest, note } = request.into_inner();
        let record = self.0.approve(&caller, ApproveRequest { id, digest, note }).await;
        Ok(Response::new(self.shown_one(record.map_err(errors::service)?)))
    }

    async fn reject(
        &self,
        request: Request<v1::RejectRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let v1::RejectRequest { id, note } = request.into_inner();
        let request = RejectRequest { id, note, ..RejectRequest::default() };
        let record = self.0.reject(&caller, request).await;
        Ok(Response::new(self.shown_one(record.map_err(errors::service)?)))
    }

    async fn pause(&self, request: Request<v1::PauseRequest>) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let v1::PauseRequest { id, note } = request.into_inner();
        let record = self.0.pause(&caller, InterventionRequest { id, note }).await;
        Ok(Response::new(self.shown_one(record.map_err(errors::service)?)))
    }

    async fn resume(
        &self,
        request: Request<v1::ResumeRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let v1::ResumeRequest { id, note } = request.into_inner();
        let record = self.0.resume(&caller, InterventionRequest { id, note }).await;
        Ok(Response::new(self.shown_one(record.map_err(errors::service)?)))
    }

    async fn abort(&self, request: Request<v1::AbortRequest>) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let v1::AbortRequest { id, note } = request.into_inner();
        let record = self.0.abort(&caller, InterventionRequest { id, note }).await;
        Ok(Response::new(self.shown_one(record.map_err(errors::service)?)))
    }

    async fn plan_folder(
        &self,
        request: Request<Streaming<v1::PlanFolderRequest>>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let caller = caller(&request)?;
        let mut parts = request.into_inner();
        let first = parts.message().await?.and_then(|message| message.part);
        let Some(Part::Head(v1::PlanFolderHead { project, directory, spec })) = first else {
            return Err(errors::field("head", "", "is missing: it is the first message"));
        };
        caller.may(Verb::Deploy, &project).map_err(errors::service)?;
        let request = FolderRequest { project, directory, spec: convert::spec(spec)? };
        let planned = self.0.plan_folder(&caller, request, &mut Parts(parts)).await;
        Ok(Response::new(outgoing::plan(planned.map_err(errors::service)?)))
    }
}

/// Files of a folder, each in one message or in several.
struct Parts(Streaming<v1::PlanFolderRequest>);

fn refused(value: &str, expected: &str) -> ServiceError {
    ServiceError::Invalid { field: "file".into(), value: value.into(), expected: expected.into() }
}

impl Parts {
    /// Returns the next message. `None` means that the client has sent all.
    async fn part(&mut self) -> Result<Option<v1::PlanFolderFile>, ServiceError> {
        let message = self.0.message().await.map_err(|status| {
            refused("", &format!("was not sent to its end: {}", status.message()))
        })?;
        match message.map(|message| message.part) {
            None => Ok(None),
            Some(Some(Part::File(file))) => Ok(Some(file)),
            Some(Some(Part::Head(_))) => {
                Err(refused("head", "stands twice: the first message alone has it"))
            }
            Some(None) => Err(refused("", "is missing: each message after the head is a file")),
        }
    }
}

#[tonic::async_trait]
impl SentFiles for Parts {
    async fn next(&mut self) -> Result<Option<UploadedFile>, ServiceError> {
        let Some(mut file) = self.part().await? else { return Ok(None) };
        // A file that is too long is left to the use case, which names it.
        while file.more && file.data.len() <= LONGEST_FILE {
            let next = self.part().await?.filter(|next| next.path == file.path);
            let Some(next) = next else {
                return Err(refused("", "does not go on in the next message, as its `more` says"));
            };
            file.data.extend_from_slice(&next.data);
            file.more = next.more;
        }
        let v1::PlanFolderFile { path, data, link, .. } = file;
        Ok(Some(UploadedFile { path, data, link }))
    }
}
