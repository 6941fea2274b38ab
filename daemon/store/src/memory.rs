//! A store in memory, for tests: it keeps the promises of the port, and nothing on a disk.

use crate::upcast;
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;
use windlass_engine::ports::{
    Secrets,
    store::{
        Claim, DueWork, Filter, JobRecord, JobUpdates, Jobs, Recorded, Releases, Replay, Runs,
        SecretRecord, SecretRecords, Store, StoreError, Submission, Submitted, Unfinished,
    },
};
use windlass_model::{
    app::App,
    error::SecretError,
    event::Event,
    job::{Job, Release, Stage},
    outcome::{Outcome, Stop},
    replay::{JobState, state_after},
    secret::Secret,
};
use windlass_model::{
    clock::now_ms,
    due::{Due, DueKind, due_after},
};

/// A store in memory. Clones share what is stored.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    updates: broadcast::Sender<String>,
}

#[derive(Default)]
struct Tables {
    jobs: BTreeMap<String, Row>,
    /// Releases by id, each with its creation time.
    releases: BTreeMap<String, (Release, u64)>,
    /// Versions from 1 by project and name, each with its creation time.
    secrets: BTreeMap<(String, String), Vec<(Secret, u64)>>,
    due: BTreeMap<(DueKind, String), Scheduled>,
}

struct Row {
    job: Job,
    request_id: String,
    body: Vec<u8>,
    events: Vec<Recorded>,
    last_seq: u64,
    state: JobState,
    stage: Option<Stage>,
    stop: Option<Stop>,
    outcome: Option<Outcome>,
    claimed_by: Option<String>,
    fence: u64,
}

struct Scheduled {
    at_ms: u64,
    /// Time before which nobody else takes the work. `None` means that nobody has taken it.
    taken_until_ms: Option<u64>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { tables: Arc::default(), updates: broadcast::channel(4096).0 }
    }
}

impl MemoryStore {
    /// Returns the store as the next life of its daemon opens it: with all data, and without claims.
    #[must_use]
    pub fn reopened(&self) -> Self {
        let mut tables = self.tables();
        for row in tables.jobs.values_mut() {
            row.claimed_by = None;
        }
        for scheduled in tables.due.values_mut() {
            scheduled.taken_until_ms = None;
        }
        Self { tables: self.tables.clone(), updates: broadcast::channel(4096).0 }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn record(&self) -> JobRecord {
        let ended = self.outcome.as_ref().and(self.events.last());
        let started = self.events.first().filter(|first| first.seq == 1);
        // The end of a job that was never taken up is its first event.
        let has_begun = self.last_seq > u64::from(self.outcome.is_some());
        JobRecord {
            job: self.job.clone(),
            last_seq: self.last_seq,
            state: self.state,
            stage: self.outcome.as_ref().map(Outcome::stage).or(self.stage),
            stop: self.stop.clone(),
            outcome: self.outcome.clone(),
            started_ms: started.map(|first| first.at_ms).filter(|_| has_begun),
            ended_ms: ended.map(|last| last.at_ms),
        }
    }

    fn append(&mut self, claim: &Claim, event: &Event, at_ms: u64) -> Result<(), StoreError> {
        if self.outcome.is_some() {
            return Err(StoreError::Ended(claim.job.clone()));
        }
        if self.fence != claim.fence {
            let by = self.claimed_by.clone().unwrap_or_default();
            return Err(StoreError::Fenced { job: claim.job.clone(), by });
        }
        self.last_seq += 1;
        self.events.push(Recorded { seq: self.last_seq, at_ms, event: event.clone() });
        if let Some((state, stage)) = state_after(self.state, event) {
            self.state = state;
            self.stage = stage.or(self.stage);
        }
        if let Event::Ended(outcome) = event {
            self.outcome = Some(outcome.clone());
        }
        Ok(())
    }
}

impl Tables {
    /// Returns the job of a principal's earlier request.
    fn known(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError> {
        let mut rows = self.jobs.values();
        let row = rows.find(|row| row.job.principal == principal && row.request_id == request_id);
        match row {
            Some(row) if row.body != body => Err(StoreError::RequestReused(request_id.into())),
            row => Ok(row.map(Row::record)),
        }
    }

    fn schedule(&mut self, due: Due) {
        let scheduled = self.due.entry((due.kind, due.key));
        let scheduled = scheduled.or_insert(Scheduled { at_ms: due.at_ms, taken_until_ms: None });
        scheduled.at_ms = scheduled.at_ms.min(due.at_ms);
        scheduled.taken_until_ms = None;
    }
}

#[async_trait]
impl Jobs for MemoryStore {
    async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError> {
        let Submission { request_id, body, mut job } = submission;
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
            request_id,
            body,
            events: Vec::new(),
            last_seq: 0,
            state: JobState::Waiting,
            stage: None,
            stop: None,
            outcome: None,
            claimed_by: None,
            fence: 0,
        };
        let record = row.record();
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

    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.tables().jobs.get(id).map(Row::record))
    }

    async fn jobs(&self, filter: &Filter) -> Result<Vec<JobRecord>, StoreError> {
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
        let rows = tables.jobs.values().rev().filter(is_wanted).take(limit);
        Ok(rows.map(Row::record).collect())
    }

    async fn count_unfinished(&self, project: &str) -> Result<Unfinished, StoreError> {
        let tables = self.tables();
        let mut count = Unfinished::default();
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
        row.stop.get_or_insert_with(|| why.clone());
        Ok(true)
    }
}

#[async_trait]
impl Runs for MemoryStore {
    async fn unfinished(&self) -> Result<Vec<JobRecord>, StoreError> {
        let tables = self.tables();
        let rows = tables.jobs.values().filter(|row| row.outcome.is_none());
        Ok(rows.map(Row::record).collect())
    }

    async fn claim(&self, job: &str, daemon: &str) -> Result<Option<Claim>, StoreError> {
        let mut tables = self.tables();
        let row = tables.jobs.get_mut(job).filter(|row| row.outcome.is_none());
        let Some(row) = row else { return Ok(None) };
        if row.claimed_by.as_ref().is_some_and(|by| by != daemon) {
            return Ok(None);
        }
        row.claimed_by = Some(daemon.into());
        row.fence += 1;
        Ok(Some(Claim { job: job.into(), daemon: daemon.into(), fence: row.fence }))
    }

    async fn append(&self, claim: &Claim, event: Event) -> Result<(), StoreError> {
        let now = now_ms();
        let mut tables = self.tables();
        let row = tables.jobs.get_mut(&claim.job);
        row.ok_or_else(|| StoreError::Ended(claim.job.clone()))?.append(claim, &event, now)?;
        for due in due_after(&claim.job, now, &event) {
            tables.schedule(due);
        }
        if let Event::Ended(Outcome::Succeeded(release)) = event {
            tables.releases.insert(release.id.clone(), (*release, now));
        }
        let _ = self.updates.send(claim.job.clone());
        Ok(())
    }

    async fn replay(&self, job: &str) -> Result<Option<Replay>, StoreError> {
        let tables = self.tables();
        let Some(row) = tables.jobs.get(job) else { return Ok(None) };
        let events = row.events.iter().filter(|event| !is_log(&event.event));
        Ok(Some(Replay { record: row.record(), events: events.cloned().collect() }))
    }
}

fn is_log(event: &Event) -> bool {
    matches!(event, Event::Log { .. })
}

#[async_trait]
impl DueWork for MemoryStore {
    async fn take_due(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let mut tables = self.tables();
        let due = tables.due.iter_mut().filter(|(_, scheduled)| {
            scheduled.at_ms <= now_ms && scheduled.taken_until_ms.unwrap_or_default() <= now_ms
        });
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(_, scheduled)| scheduled.at_ms);
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let take = |((kind, key), scheduled): (&(DueKind, String), &mut Scheduled)| {
            scheduled.taken_until_ms = Some(until_ms);
            Due { kind: *kind, key: key.clone(), at_ms: scheduled.at_ms }
        };
        Ok(due.into_iter().map(take).collect())
    }

    async fn finish_due(&self, due: &Due, next_ms: Option<u64>) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let place = (due.kind, due.key.clone());
        let Some(scheduled) = tables.due.get_mut(&place) else { return Ok(()) };
        if scheduled.at_ms != due.at_ms || scheduled.taken_until_ms.is_none() {
            return Ok(());
        }
        match next_ms {
            Some(at_ms) => *scheduled = Scheduled { at_ms, taken_until_ms: None },
            None => {
                tables.due.remove(&place);
            }
        }
        Ok(())
    }

    async fn hasten(&self, kind: DueKind, now_ms: u64) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let of_kind = tables.due.iter_mut().filter(|((other, _), _)| *other == kind);
        for (_, scheduled) in of_kind {
            scheduled.at_ms = scheduled.at_ms.min(now_ms);
        }
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<u64>, StoreError> {
        let tables = self.tables();
        let times = tables
            .due
            .values()
            .map(|scheduled| scheduled.at_ms.max(scheduled.taken_until_ms.unwrap_or_default()));
        Ok(times.min())
    }

    async fn forget_logs(&self, job: &str) -> Result<(), StoreError> {
        if let Some(row) = self.tables().jobs.get_mut(job) {
            row.events.retain(|event| !is_log(&event.event));
        }
        Ok(())
    }

    async fn forget_job(&self, job: &str) -> Result<(), StoreError> {
        self.tables().jobs.remove(job);
        Ok(())
    }
}

impl JobUpdates for MemoryStore {
    fn updates(&self) -> broadcast::Receiver<String> {
        self.updates.subscribe()
    }
}

#[async_trait]
impl Releases for MemoryStore {
    async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let tables = self.tables();
        let newest_first = tables.releases.values().rev().filter(|(release, _)| {
            release.app == *app && before.is_none_or(|before| *release.id < *before)
        });
        Ok(newest_first.take(limit).cloned().collect())
    }

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, StoreError> {
        let tables = self.tables();
        let mut newest_first = tables.releases.values().rev().map(|(release, _)| release);
        let last = newest_first.find(|release| {
            release.app == *app && release.clusters.iter().any(|name| name == cluster)
        });
        Ok(last.cloned())
    }

    async fn serving(&self, text: &str) -> Result<Vec<Release>, StoreError> {
        let tables = self.tables();
        let mut newest = BTreeMap::new();
        for (id, (release, _)) in &tables.releases {
            for cluster in &release.clusters {
                newest.insert((&release.app, cluster), id);
            }
        }
        let ids: BTreeSet<_> = newest.into_values().collect();
        let mut serving = Vec::new();
        for (release, _) in ids.into_iter().filter_map(|id| tables.releases.get(id)) {
            if upcast::write(release)?.contains(text) {
                serving.push(release.clone());
            }
        }
        Ok(serving)
    }
}

#[async_trait]
impl SecretRecords for MemoryStore {
    async fn put(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError> {
        let created_ms = now_ms();
        let mut tables = self.tables();
        let versions = tables.secrets.entry(place(project, name)).or_default();
        versions.push((value.clone(), created_ms));
        Ok(SecretRecord {
            project: project.into(),
            name: name.into(),
            version: version_of(versions),
            created_ms,
        })
    }

    async fn list(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError> {
        let tables = self.tables();
        let of_project = tables.secrets.iter().filter(|((of, _), _)| of == project);
        let record =
            |((project, name), versions): (&(String, String), &Vec<(Secret, u64)>)| SecretRecord {
                project: project.clone(),
                name: name.clone(),
                version: version_of(versions),
                created_ms: versions.last().map_or(0, |(_, created_ms)| *created_ms),
            };
        Ok(of_project.map(record).collect())
    }

    async fn delete(&self, project: &str, name: &str) -> Result<bool, StoreError> {
        Ok(self.tables().secrets.remove(&place(project, name)).is_some())
    }
}

fn place(project: &str, name: &str) -> (String, String) {
    (project.into(), name.into())
}

/// Returns the newest version.
fn version_of(versions: &[(Secret, u64)]) -> u32 {
    u32::try_from(versions.len()).unwrap_or(u32::MAX)
}

#[async_trait]
impl Secrets for MemoryStore {
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        let missing =
            || SecretError::Missing { project: project.into(), name: name.into(), version };
        let tables = self.tables();
        let versions = tables.secrets.get(&place(project, name)).ok_or_else(missing)?;
        let number = version.unwrap_or_else(|| version_of(versions));
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let found = index.and_then(|index| versions.get(index)).ok_or_else(missing)?;
        Ok((found.0.clone(), number))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn close(&self) {}
}
