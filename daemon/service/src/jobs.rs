//! Looks jobs up, and cancels them.

use crate::{
    caller::Caller, check, error::ServiceError, finish::finish, services::Services, verb::Verb,
};
use std::collections::BTreeMap;
use windlass_engine::{
    ports::store::{Filter, JobRecord, UnreadableJob},
    queue::{Message, Wait},
};
use windlass_model::outcome::Stop;
use windlass_model::replay::JobState;

/// Number of jobs on a page by default, and at most.
const PAGE: (u32, u32) = (50, 500);

/// Choice of jobs.
#[derive(Clone, Debug, Default)]
pub struct JobsRequest {
    /// Project of the jobs. `None` means all projects that the caller sees.
    pub project: Option<String>,
    /// Name of the jobs' apps. `None` means any name.
    pub app: Option<String>,
    /// States of the jobs. Empty means any state.
    pub states: Vec<JobState>,
    /// [`JobPage::next`] of the page before: id of a job; only older ones are listed. `None` means that the
    /// list begins with the newest.
    pub before: Option<String>,
    /// Number of jobs on a page, at most 500. 0 means 50.
    pub page_size: u32,
}

/// Page of jobs, newest first.
#[derive(Clone, Debug)]
pub struct JobPage {
    /// Readable jobs, without their specs.
    pub jobs: Vec<JobRecord>,
    /// Jobs of the page that the daemon cannot read. It leaves them alone.
    pub unreadable: Vec<UnreadableJob>,
    /// Id after which the next page begins. `None` means that this page is the last.
    pub next: Option<String>,
}

impl Services {
    /// Returns one job.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no job has.
    pub async fn get_job(&self, caller: &Caller, id: &str) -> Result<JobRecord, ServiceError> {
        let record = self.find_job(id).await?;
        caller.may(Verb::Read, &record.job.app.project)?;
        Ok(record)
    }

    /// Returns a page of jobs.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a page that is too large.
    pub async fn list_jobs(
        &self,
        caller: &Caller,
        request: JobsRequest,
    ) -> Result<JobPage, ServiceError> {
        let limit = check::page(request.page_size, PAGE.0, PAGE.1)?;
        let projects = match request.project {
            None => caller.visible(),
            Some(project) => {
                caller.may(Verb::Read, &project)?;
                Some(vec![project])
            }
        };
        let filter = Filter {
            projects,
            app: request.app,
            environment: None,
            states: request.states,
            before: request.before,
            limit,
        };
        let list = self.jobs.jobs(&filter).await?;
        let is_full = u32::try_from(list.count()).is_ok_and(|count| count == limit);
        let next = list.oldest().map(str::to_owned).filter(|_| is_full);
        Ok(JobPage { jobs: list.jobs, unreadable: list.unreadable, next })
    }

    /// Returns why jobs that a caller may see wait, by id. A job that does not wait is left out. This is no part of
    /// a job's record: it is so at this moment, in this daemon.
    #[must_use]
    pub fn waits(&self, records: &[JobRecord]) -> BTreeMap<String, Wait> {
        let unfinished = records.iter().filter(|record| record.outcome.is_none());
        let ids: Vec<_> = unfinished.map(|record| record.job.id.as_str()).collect();
        self.waits.waits(&ids)
    }

    /// Asks a job to stop, and returns the job. Cancelling a job that has ended changes nothing. One that takes the last step
    /// of its release, which only deletes, sees that through, and a warning of the job says so.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no job has.
    pub async fn cancel(&self, caller: &Caller, id: &str) -> Result<JobRecord, ServiceError> {
        let record = self.find_job(id).await?;
        caller.may(Verb::Deploy, &record.job.app.project)?;
        let why = Stop::Cancelled { by: caller.name.clone() };
        let (jobs, queue, of) = (self.jobs.clone(), self.queue.clone(), id.to_owned());
        finish(async move {
            if jobs.stop(&of, &why).await? {
                let _ = queue.send(Message::Cancelled { id: of });
            }
            Ok(())
        })
        .await?;
        self.find_job(id).await
    }

    /// Asks the job of the caller's own earlier request to stop, and returns the job.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id of which the caller sent no request.
    pub async fn cancel_request(
        &self,
        caller: &Caller,
        request_id: &str,
    ) -> Result<JobRecord, ServiceError> {
        let found = self.jobs.requested(&caller.name, request_id).await?;
        let record = found.ok_or_else(|| ServiceError::NotFound {
            what: "request",
            id: request_id.to_owned(),
            fix: "a request of another principal, or one that was refused, has no job".into(),
        })?;
        self.cancel(caller, &record.job.id).await
    }

    /// Finds a job, whoever may see it.
    pub(crate) async fn find_job(&self, id: &str) -> Result<JobRecord, ServiceError> {
        let found = self.jobs.job(id).await?;
        found.ok_or_else(|| ServiceError::NotFound {
            what: "job",
            id: id.to_owned(),
            fix: "list them: windlass jobs".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, app, caller, submit},
        submit::SubmitRequest,
    };

    /// A world where two projects have submitted jobs, with their ids.
    async fn two_projects() -> (World, Vec<String>) {
        let world = World::new();
        let all = Caller::with_all_rights("uid:0".into());
        let mut ids = Vec::new();
        for (request_id, project) in [("one", "shop"), ("two", "blog"), ("three", "shop")] {
            let request = SubmitRequest { app: app(project), ..submit(request_id) };
            ids.push(world.services.submit(&all, request).await.unwrap().job.id);
        }
        world.queued();
        (world, ids)
    }

    async fn list(
        world: &World,
        caller: &Caller,
        request: JobsRequest,
    ) -> Result<(Vec<String>, Option<String>), ServiceError> {
        let page = world.services.list_jobs(caller, request).await?;
        Ok((page.jobs.into_iter().map(|record| record.job.id).collect(), page.next))
    }

    #[tokio::test]
    async fn a_list_holds_the_projects_of_its_caller() {
        let (world, ids) = two_projects().await;
        let of = |project: &str| {
            let project = Some(project.to_owned());
            JobsRequest { project, ..JobsRequest::default() }
        };
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let (shown, next) = list(&world, &reader, JobsRequest::default()).await.unwrap();
        assert_eq!((shown, next), (vec![ids[2].clone(), ids[0].clone()], None));
        let error = list(&world, &reader, of("blog")).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        let all = Caller::with_all_rights("uid:0".into());
        assert_eq!(list(&world, &all, of("blog")).await.unwrap().0, [ids[1].clone()]);
        let first = JobsRequest { page_size: 2, ..JobsRequest::default() };
        let (shown, next) = list(&world, &all, first.clone()).await.unwrap();
        assert_eq!((shown.len(), next.as_ref()), (2, Some(&ids[1])));
        let second = JobsRequest { before: next, ..first };
        assert_eq!(list(&world, &all, second).await.unwrap(), (vec![ids[0].clone()], None));
    }

    #[tokio::test]
    async fn a_list_shows_why_its_jobs_wait() {
        let (world, ids) = two_projects().await;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let mut records =
            world.services.list_jobs(&reader, JobsRequest::default()).await.unwrap().jobs;
        records.reverse();
        for record in &records {
            world.services.waits.take(Message::submitted(&record.job, false));
        }
        let waits = world.services.waits(&records);
        assert_eq!(waits.keys().collect::<Vec<_>>(), [&ids[2]]);
        assert_eq!(waits[&ids[2]], Wait::App { job: ids[0].clone() });
    }

    #[tokio::test]
    async fn a_job_is_cancelled_by_whoever_may_deploy() {
        let (world, ids) = two_projects().await;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        world.services.get_job(&reader, &ids[0]).await.unwrap();
        let error = world.services.cancel(&reader, &ids[0]).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        assert!(world.queued().is_empty());
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let error = world.services.get_job(&ci, &ids[0]).await.unwrap_err();
        assert!(error.to_string().contains("lacks the verb \"read\""), "{error}");
        let record = world.services.cancel(&ci, &ids[0]).await.unwrap();
        assert_eq!(record.stop, Some(Stop::Cancelled { by: "ci".into() }));
        assert_eq!(world.queued(), [Message::Cancelled { id: ids[0].clone() }]);
        world.services.cancel(&ci, &ids[1]).await.unwrap_err();
        let error = world.services.cancel(&ci, "none").await.unwrap_err();
        assert_eq!(error.to_string(), "there is no job `none`");
    }

    #[tokio::test]
    async fn a_request_is_cancelled_by_its_own_caller() {
        let (world, ids) = two_projects().await;
        let other = caller("other", &["shop"], &[Verb::Deploy]);
        let error = world.services.cancel_request(&other, "one").await.unwrap_err();
        assert_eq!(error.to_string(), "there is no request `one`");
        let all = Caller::with_all_rights("uid:0".into());
        let record = world.services.cancel_request(&all, "one").await.unwrap();
        assert_eq!(record.job.id, ids[0]);
        assert_eq!(world.queued(), [Message::Cancelled { id: ids[0].clone() }]);
    }
}
