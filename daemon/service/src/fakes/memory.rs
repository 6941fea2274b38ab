//! Store that keeps everything in memory.

use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};
use tokio::sync::broadcast;
use windlass_engine::ports::{
    Secrets,
    store::{
        Filter, JobRecord, JobUpdates, Jobs, Recorded, Releases, SecretRecord, SecretRecords,
        StoreError, Submission, Submitted,
    },
};
use windlass_model::replay::JobState;
use windlass_model::{
    app::App, error::SecretError, event::Event, job::Release, outcome::Stop, secret::Secret,
};

/// Store that keeps everything in memory.
pub(crate) struct Memory {
    state: Mutex<State>,
    updates: broadcast::Sender<String>,
}

#[derive(Default)]
struct State {
    jobs: Vec<Accepted>,
    /// Releases, the oldest first, each with its time.
    releases: Vec<(Release, u64)>,
    /// All versions of secrets, the oldest first, by project and name.
    secrets: BTreeMap<(String, String), Vec<Secret>>,
}

struct Accepted {
    request_id: String,
    body: Vec<u8>,
    record: JobRecord,
    events: Vec<Recorded>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), updates: broadcast::Sender::new(16) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Returns all jobs, the oldest first.
    pub(crate) fn accepted(&self) -> Vec<JobRecord> {
        self.lock().jobs.iter().map(|one| one.record.clone()).collect()
    }

    /// Records an event of a job.
    pub(crate) fn append(&self, id: &str, event: Event) {
        let mut state = self.lock();
        let job = state.jobs.iter_mut().find(|one| one.record.job.id == id).unwrap();
        job.record.last_seq += 1;
        if let Event::Ended(outcome) = &event {
            job.record.outcome = Some(outcome.clone());
        }
        let recorded = Recorded { seq: job.record.last_seq, at_ms: 1, event };
        job.events.push(recorded);
        // Nobody may listen.
        let _ = self.updates.send(id.to_owned());
    }

    /// Records a release that succeeded.
    pub(crate) fn released(&self, release: Release) {
        let mut state = self.lock();
        let at_ms = u64::try_from(state.releases.len()).unwrap() + 1;
        state.releases.push((release, at_ms));
    }

    /// Seals a new version of a secret, and returns its number.
    pub(crate) fn sealed(&self, project: &str, name: &str, value: &str) -> u32 {
        self.seal(project, name, Secret::new(value.into()))
    }

    fn seal(&self, project: &str, name: &str, value: Secret) -> u32 {
        let mut state = self.lock();
        let versions = state.secrets.entry((project.into(), name.into())).or_default();
        versions.push(value);
        u32::try_from(versions.len()).unwrap()
    }
}

fn secret_record(project: &str, name: &str, version: u32) -> SecretRecord {
    SecretRecord { project: project.into(), name: name.into(), version, created_ms: 1 }
}

#[async_trait]
impl Jobs for Memory {
    async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError> {
        let Submission { request_id, body, job } = submission;
        if let Some(record) = self.submitted(&job.principal, &request_id, &body).await? {
            return Ok(Submitted { record, is_new: false });
        }
        let record = JobRecord {
            job,
            last_seq: 0,
            state: JobState::Waiting,
            stage: None,
            stop: None,
            outcome: None,
            started_ms: None,
            ended_ms: None,
        };
        let accepted = Accepted { request_id, body, record: record.clone(), events: Vec::new() };
        self.lock().jobs.push(accepted);
        Ok(Submitted { record, is_new: true })
    }

    async fn submitted(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError> {
        let state = self.lock();
        let mut known = state.jobs.iter();
        let known =
            known.find(|one| one.record.job.principal == principal && one.request_id == request_id);
        match known {
            Some(one) if one.body != body => Err(StoreError::RequestReused(request_id.into())),
            known => Ok(known.map(|one| one.record.clone())),
        }
    }

    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.accepted().into_iter().find(|record| record.job.id == id))
    }

    async fn jobs(&self, filter: &Filter) -> Result<Vec<JobRecord>, StoreError> {
        let mut all = self.accepted();
        if let Some(before) = &filter.before {
            let end = all.iter().position(|record| record.job.id == *before);
            all.truncate(end.unwrap_or_default());
        }
        let is_in = |list: &Option<Vec<String>>, value: &String| {
            list.as_ref().is_none_or(|list| list.contains(value))
        };
        let is = |wanted: &Option<String>, value: &String| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        all.retain(|record| {
            let app = &record.job.app;
            is_in(&filter.projects, &app.project)
                && is(&filter.app, &app.name)
                && is(&filter.environment, &app.environment)
                && (filter.states.is_empty() || filter.states.contains(&record.state))
        });
        all.reverse();
        all.truncate(usize::try_from(filter.limit).unwrap());
        Ok(all)
    }

    async fn events(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let state = self.lock();
        let of_job = state.jobs.iter().filter(|one| one.record.job.id == id);
        let later = of_job.flat_map(|one| &one.events).filter(|event| event.seq > after);
        Ok(later.take(usize::try_from(limit).unwrap()).cloned().collect())
    }

    async fn stop(&self, id: &str, why: &Stop) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let job = state.jobs.iter_mut().find(|one| one.record.job.id == id).unwrap();
        if job.record.outcome.is_some() {
            return Ok(false);
        }
        job.record.stop.get_or_insert_with(|| why.clone());
        Ok(true)
    }
}

impl JobUpdates for Memory {
    fn updates(&self) -> broadcast::Receiver<String> {
        self.updates.subscribe()
    }
}

#[async_trait]
impl Releases for Memory {
    async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError> {
        let state = self.lock();
        let of_app = state.releases.iter().rev().filter(|(release, _)| release.app == *app);
        let older = of_app.filter(|(release, _)| before.is_none_or(|before| *release.id < *before));
        Ok(older.take(usize::try_from(limit).unwrap()).cloned().collect())
    }

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, StoreError> {
        let state = self.lock();
        let mut newest = state.releases.iter().rev().map(|(release, _)| release);
        let is_it = |release: &&Release| {
            release.app == *app && release.clusters.iter().any(|name| name == cluster)
        };
        Ok(newest.find(is_it).cloned())
    }
}

#[async_trait]
impl SecretRecords for Memory {
    async fn put(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError> {
        Ok(secret_record(project, name, self.seal(project, name, value.clone())))
    }

    async fn list(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError> {
        let state = self.lock();
        let of_project = state.secrets.iter().filter(|((owner, _), _)| owner == project);
        let record = |((_, name), versions): (&(String, String), &Vec<Secret>)| {
            secret_record(project, name, u32::try_from(versions.len()).unwrap())
        };
        Ok(of_project.map(record).collect())
    }

    async fn delete(&self, project: &str, name: &str) -> Result<bool, StoreError> {
        Ok(self.lock().secrets.remove(&(project.to_owned(), name.to_owned())).is_some())
    }
}

#[async_trait]
impl Secrets for Memory {
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        let state = self.lock();
        let versions = state.secrets.get(&(project.to_owned(), name.to_owned()));
        let newest = versions.map_or(0, Vec::len);
        let wanted = version.map_or(newest, |version| usize::try_from(version).unwrap());
        let found = versions.and_then(|versions| versions.get(wanted.checked_sub(1)?));
        let secret = found.cloned().ok_or_else(|| SecretError::Missing {
            project: project.into(),
            name: name.into(),
            version,
        })?;
        Ok((secret, u32::try_from(wanted).unwrap()))
    }
}
