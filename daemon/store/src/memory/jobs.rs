//! Jobs in memory.

use super::{
    MemoryStore,
    messages::{Audience, Cause},
    row::Row,
};
use async_trait::async_trait;
use windlass_engine::ports::store::{
    Approve, Filter, JobList, JobRecord, Jobs, Recorded, StoreError, Submission, Submitted,
    UnfinishedCount,
};
use windlass_model::{
    clock::now_ms, job::Job, outbox::Moment, outcome::Stop, replay::JobState, spec::Spec,
};

#[async_trait]
impl Jobs for MemoryStore {
    async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError> {
        let Submission { request_id, body, mut job, receivers } = submission;
        let mut tables = self.tables();
        if let Some(record) = tables.known(&job.principal, &request_id, &body)? {
            return Ok(Submitted { record, is_new: false });
        }
        if tables.jobs.contains_key(&job.id) {
            return Err(StoreError::Other(format!("there is a job {} already", job.id)));
        }
        job.created_ms = now_ms();
        let row = Row {
            job,
            receivers,
            request_id,
            body,
            events: Vec::new(),
            last_seq: 0,
            state: JobState::Waiting,
            stage: None,
            stop: None,
            outcome: None,
            held: None,
            approvals: Vec::new(),
            pause: None,
            resumed: None,
            claimed_by: None,
            fence: 0,
        };
        let record = row.record();
        let Job { id, app, created_ms, .. } = &row.job;
        let audience = Audience { project: &app.project, receivers: &row.receivers };
        let (moment, mark, now_ms) = (Moment::Queued, String::new(), *created_ms);
        let cause = Cause { job: id, moment, mark, seq: 0, now_ms };
        if tables.messages.add(&audience, &cause) {
            let _ = self.messages.send(());
        }
        tables.jobs.insert(row.job.id.clone(), row);
        Ok(Submitted { record, is_new: true })
    }

    async fn submitted(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError> {
        self.tables().known(principal, request_id, body)
    }

    async fn requested(
        &self,
        principal: &str,
        request_id: &str,
    ) -> Result<Option<JobRecord>, StoreError> {
        let tables = self.tables();
        let mut rows = tables.jobs.values();
        let row = rows.find(|row| row.job.principal == principal && row.request_id == request_id);
        Ok(row.map(Row::record))
    }

    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.tables().jobs.get(id).map(Row::record))
    }

    async fn jobs(&self, filter: &Filter) -> Result<JobList, StoreError> {
        let is_wanted = |row: &&Row| {
            let app = &row.job.app;
            filter.before.as_ref().is_none_or(|before| row.job.id < *before)
                && filter.projects.as_ref().is_none_or(|names| names.contains(&app.project))
                && filter.app.as_ref().is_none_or(|name| app.name == *name)
                && filter.environment.as_ref().is_none_or(|name| app.environment == *name)
                && (filter.states.is_empty() || filter.states.contains(&row.state))
        };
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let tables = self.tables();
        let mut list = JobList::default();
        for row in tables.jobs.values().rev().filter(is_wanted).take(limit) {
            match tables.unreadable(row) {
                Some(job) => list.unreadable.push(job),
                None => {
                    let mut record = row.record();
                    record.job.spec = Spec::default();
                    list.jobs.push(record);
                }
            }
        }
        Ok(list)
    }

    async fn count_unfinished(&self, project: &str) -> Result<UnfinishedCount, StoreError> {
        let tables = self.tables();
        let mut count = UnfinishedCount::default();
        for row in tables.jobs.values().filter(|row| row.outcome.is_none()) {
            count.total += 1;
            count.of_project += u64::from(row.job.app.project == project);
        }
        Ok(count)
    }

    async fn events(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let tables = self.tables();
        let events = tables.jobs.get(id).into_iter().flat_map(|row| &row.events);
        Ok(events.filter(|event| event.seq > after).take(limit).cloned().collect())
    }

    async fn stop(&self, id: &str, why: &Stop) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let row = tables.jobs.get_mut(id).filter(|row| row.outcome.is_none());
        let Some(row) = row else { return Ok(false) };
        let is_for_newer = |stop: &Stop| matches!(stop, Stop::Superseded { .. });
        if row.stop.as_ref().is_none_or(|first| is_for_newer(first) && !is_for_newer(why)) {
            row.stop = Some(why.clone());
        }
        Ok(true)
    }

    async fn approve(
        &self,
        id: &str,
        digest: &str,
        by: &str,
        note: &str,
    ) -> Result<Approve, StoreError> {
        let mut tables = self.tables();
        let row = tables.jobs.get_mut(id);
        Ok(row.map_or(Approve::NotHeld, |row| row.approve(digest, by, note, now_ms())))
    }

    async fn reject(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        Ok(tables.jobs.get_mut(id).is_some_and(|row| row.reject(by, note)))
    }

    async fn pause(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        Ok(tables.jobs.get_mut(id).is_some_and(|row| row.pause(by, note, now_ms())))
    }

    async fn resume(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        Ok(tables.jobs.get_mut(id).is_some_and(|row| row.resume(by, note)))
    }

    async fn abort(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        Ok(tables.jobs.get_mut(id).is_some_and(|row| row.abort(by, note)))
    }
}
