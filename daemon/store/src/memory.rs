//! A store in memory, for tests: it keeps the promises of the port, and nothing on a disk.

use crate::upcast;
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;
use windlass_engine::{
    logs::Logged,
    ports::store::{
        Claim, DueWork, Filter, JobList, JobRecord, JobUpdates, Jobs, Recorded, Releases, Replay,
        Room, Runs, Store, StoreError, Submission, Submitted, Unfinished, UnfinishedCount,
        UnfinishedJob, UnreadableJob,
    },
};
use windlass_model::{
    app::App,
    event::Event,
    job::{Job, Release, Source, Stage},
    outcome::{Outcome, Stop},
    replay::{JobState, state_after},
    secret::Secret,
    spec::Spec,
};
use windlass_model::{
    clock::now_ms,
    due::{Due, DueKind, due_after},
};

mod secrets;

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
    /// Versions by project and name.
    secrets: BTreeMap<(String, String), Versions>,
    /// Reasons for which jobs are left alone, by id.
    aside: BTreeMap<String, String>,
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

/// All versions of a secret.
#[derive(Default)]
struct Versions {
    /// Highest version that there ever was.
    last: u32,
    /// Values by version, each with its creation time. Empty means that the secret was deleted.
    values: BTreeMap<u32, (Secret, u64)>,
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
        tables.aside.clear();
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
    /// Returns a job that is left alone. `None` means that the job is not, or has ended.
    fn unreadable(&self, row: &Row) -> Option<UnreadableJob> {
        if row.outcome.is_some() {
            return None;
        }
        let why = self.aside.get(&row.job.id)?.clone();
        Some(UnreadableJob { id: row.job.id.clone(), app: row.job.app.clone(), why })
    }

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
        row.stop.get_or_insert_with(|| why.clone());
        Ok(true)
    }
}

#[async_trait]
impl Runs for MemoryStore {
    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        let tables = self.tables();
        let rows = tables.jobs.values().filter(|row| row.outcome.is_none());
        let job = |row: &Row| UnfinishedJob {
            id: row.job.id.clone(),
            app: row.job.app.clone(),
            clusters: row.job.clusters.names.clone(),
            has_image: matches!(row.job.source, Source::Release(_)),
            has_begun: row.last_seq > 0,
            is_stopping: row.stop.is_some(),
        };
        Ok(Unfinished { jobs: rows.map(job).collect(), unreadable: Vec::new() })
    }

    async fn has_unfinished(&self, app: &App) -> Result<bool, StoreError> {
        let tables = self.tables();
        let found = tables.jobs.values().any(|row| row.job.app == *app && row.outcome.is_none());
        Ok(found)
    }

    async fn set_aside(&self, job: &str, why: &str) -> Result<(), StoreError> {
        self.tables().aside.entry(job.into()).or_insert_with(|| why.into());
        Ok(())
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
        let mut logged = BTreeMap::new();
        for event in &row.events {
            if let Event::Log { stage, source, line } = &event.event {
                let sum: &mut Logged = logged.entry(*stage).or_default();
                *sum = sum.and(Logged::of(source, line));
            }
        }
        Ok(Some(Replay { record: row.record(), events: events.cloned().collect(), logged }))
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
impl Store for MemoryStore {
    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn room(&self) -> Result<Room, StoreError> {
        Ok(Room { free_bytes: u64::MAX, disk_bytes: u64::MAX, uses_reserve: false })
    }

    async fn ended(&self) {
        std::future::pending().await
    }

    async fn close(&self) {}
}
