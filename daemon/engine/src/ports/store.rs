//! Storage port: jobs and their journals, claims, due work, releases and secrets.
//!
//! Each store passes the same conformance suite (`store/tests/conformance`). [`windlass_model::replay`] and
//! [`windlass_model::due`] decide what an event makes of a job's state, and which work it schedules. A store
//! applies both in the transaction that stores the event.

use super::secrets::Secrets;
use crate::{journal::JournalLost, logs::Logged};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::broadcast;
use windlass_model::{
    app::App,
    approval::{Approval, Hold},
    contraction::Contraction,
    due::{Due, DueKind},
    event::Event,
    job::{Job, Release, Stage},
    outbox::Receiver,
    outcome::{Outcome, Stop},
    pause::{Interventions, Pause},
    replay::JobState,
    secret::Secret,
};

mod ahead;
mod approvals;
mod collection;
mod counts;
mod course;
mod deliveries;
mod error;
mod job_journal;
mod outbox;
mod own_clusters;
mod own_registries;
mod previews;
mod projects;

pub use ahead::{Ahead, Answer};
pub use approvals::{Approve, Lapse};
pub use collection::{COLLECTED_REMEMBERED, Collected, Collection};
pub use counts::{Room, RunCounts, UnfinishedCount};
pub use deliveries::{
    ACCEPTED_LISTED, Accepted, Arrival, DELIVERIES_KEPT, Deliveries, DeliveryFilter,
};
pub use error::StoreError;
pub use job_journal::JobJournal;
pub use outbox::{
    Attempt, LONGEST_TAKEN_MS, LONGEST_WAIT_MS, MessageCount, Notice, Outbox, OutboxFilter,
};
pub use own_clusters::{CLUSTER_NAMES_KEPT, CLUSTER_VERSIONS_KEPT, OwnClusterRecord, OwnClusters};
pub use own_registries::{
    MOST_OWN_REGISTRIES, OWN_REGISTRY_VERSIONS_KEPT, OpenedRegistry, OwnRegistries,
    OwnRegistryRecord, OwnRegistryVersion, PutRegistry, REMOVED_REGISTRIES_KEPT,
};
pub use previews::{PREVIEWS_LISTED, PreviewPush, Previews, Pushed};
pub use projects::{
    Applied, ForgeHooks, HOOKS_LISTED, HookRecord, OpenedHook, PROJECTS_LISTED, ProjectRecord,
    Projects, SESSIONS_OF_A_TOKEN, SessionRecord, Sessions, VERSIONS_KEPT,
};

impl From<StoreError> for JournalLost {
    fn from(error: StoreError) -> Self {
        let why = error.to_string();
        match error {
            StoreError::Fenced { .. } | StoreError::Ended(_) => Self::Fenced(why),
            StoreError::Unreadable { .. } | StoreError::TooNew { .. } => Self::Unreadable(why),
            StoreError::Full(_)
            | StoreError::Busy(_)
            | StoreError::Held(_)
            | StoreError::Newer { .. }
            | StoreError::RequestReused(_)
            | StoreError::Other(_) => Self::Unavailable(why),
        }
    }
}

/// A request to be stored.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Id that the client chose.
    pub request_id: String,
    /// Request as it came. It distinguishes a repeat from another request.
    pub body: Vec<u8>,
    /// Job to store. The store sets `created_ms`.
    pub job: Job,
    /// Receivers of messages about the job, in no order. Acceptance adds the first message to each.
    pub receivers: Vec<Receiver>,
}

/// A stored request.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Job of this request, or of the first such request.
    pub record: JobRecord,
    /// The job was not stored before.
    pub is_new: bool,
}

/// A job and its state.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// Job as accepted.
    pub job: Job,
    /// Number of the last event.
    pub last_seq: u64,
    pub state: JobState,
    /// Stage that the job is in or ended in. `None` means that it never began.
    pub stage: Option<Stage>,
    /// Reason for which the job is to stop. `None` means that nobody asked it to.
    pub stop: Option<Stop>,
    /// Outcome of the job. `None` means that it has not ended.
    pub outcome: Option<Outcome>,
    /// Wait for an approval. `None` means that the job waits for none.
    pub held: Option<Hold>,
    /// Pause that nobody ended yet. `None` means that there is none, or that the job goes forward no more.
    pub paused: Option<Pause>,
    /// Time at which the job was claimed first, in milliseconds since 1970. `None` means that it waits.
    pub started_ms: Option<u64>,
    /// Time at which the job ended, in milliseconds since 1970. `None` means that it has not ended.
    pub ended_ms: Option<u64>,
}

/// A stored job that this daemon cannot read or cannot go on with. It is left alone in this life of the
/// daemon: the next one tries once more, since it may be newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableJob {
    pub id: String,
    pub app: App,
    /// Row that cannot be read, and its fault.
    pub why: String,
}

/// Jobs that a [`Filter`] chose, newest first.
#[derive(Clone, Debug, Default)]
pub struct JobList {
    /// Readable jobs. The spec of each is empty: nobody lists specs, and a page of them may have 500 MiB.
    pub jobs: Vec<JobRecord>,
    /// Chosen jobs that are unreadable. They count for [`Filter::limit`].
    pub unreadable: Vec<UnreadableJob>,
}

impl JobList {
    /// Returns the number of all jobs in the list.
    #[must_use]
    pub fn count(&self) -> usize {
        self.jobs.len() + self.unreadable.len()
    }

    /// Returns the id of the oldest job in the list. `None` means that the list is empty.
    #[must_use]
    pub fn oldest(&self) -> Option<&str> {
        let readable = self.jobs.iter().map(|record| &*record.job.id);
        readable.chain(self.unreadable.iter().map(|job| &*job.id)).min()
    }
}

/// A job that has not ended, without its spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedJob {
    pub id: String,
    pub app: App,
    /// Clusters of the job, in their order.
    pub clusters: Vec<String>,
    /// The job has nothing to check out: it releases an image that was built before, or removes its app.
    pub has_image: bool,
    /// An earlier run began the job.
    pub has_begun: bool,
    /// Somebody asked the job to stop.
    pub is_stopping: bool,
}

/// Jobs that have not ended, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Unfinished {
    pub jobs: Vec<UnfinishedJob>,
    /// Jobs that no run can take up.
    pub unreadable: Vec<UnreadableJob>,
}

/// Choice of jobs.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Projects of the jobs. `None` means all projects.
    pub projects: Option<Vec<String>>,
    /// App of the jobs. `None` means all apps.
    pub app: Option<String>,
    /// Environment of the jobs. `None` means all environments.
    pub environment: Option<String>,
    /// States of the jobs. Empty means any state.
    pub states: Vec<JobState>,
    /// Id of a job; only older ones are chosen. `None` means that the choice begins with the newest.
    pub before: Option<String>,
    /// Number of jobs that are returned at most.
    pub limit: u32,
}

/// An event as it was stored.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Number of the event: 1, 2, 3 … per job.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    pub event: Event,
}

/// A job with the events that decide its resume point: all but log lines, oldest first.
#[derive(Clone, Debug)]
pub struct Replay {
    pub record: JobRecord,
    pub events: Vec<Recorded>,
    /// Amount of log lines that earlier runs stored, by stage.
    pub logged: BTreeMap<Stage, Logged>,
    /// Approvals that people gave to the job, in no order.
    pub approvals: Vec<Approval>,
}

/// Right to write a job's journal. A later claim of the same job ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Id of the job.
    pub job: String,
    /// Daemon that claimed the job.
    pub daemon: String,
    /// Number of the claim. Each claim of a job has a higher number than those before.
    pub fence: u64,
}

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRecord {
    pub project: String,
    /// Name of the secret in the project.
    pub name: String,
    /// Newest version.
    pub version: u32,
    /// Time at which the newest version was put, in milliseconds since 1970.
    pub created_ms: u64,
}

/// Jobs and their events, for those who ask for them.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Stores a job, once per principal and request id. [`StoreError::RequestReused`] means that the id
    /// came with another body before.
    async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError>;
    /// Returns the job of a principal's earlier request. [`StoreError::RequestReused`] means that the
    /// body of that request was another.
    async fn submitted(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError>;
    /// Returns the job of a principal's earlier request, whatever its body was. `None` means that there is none.
    async fn requested(
        &self,
        principal: &str,
        request_id: &str,
    ) -> Result<Option<JobRecord>, StoreError>;
    /// Returns one job. `None` means that there is no such job.
    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError>;
    /// Returns jobs, newest first. A job that cannot be read is no error of the others.
    async fn jobs(&self, filter: &Filter) -> Result<JobList, StoreError>;
    /// Counts the jobs that have not ended, of one project and in total.
    async fn count_unfinished(&self, project: &str) -> Result<UnfinishedCount, StoreError>;
    /// Returns a job's events after number `after`, at most `limit`, oldest first. An [`Event::Warning`]
    /// that names the fault stands in the place of an event that cannot be read.
    async fn events(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError>;
    /// Records that a job is to stop. The first reason stays, unless it is [`Stop::Superseded`], which a job ignores once its
    /// release is switched. `false` means that the job has ended.
    async fn stop(&self, id: &str, why: &Stop) -> Result<bool, StoreError>;
    /// Stores an approval of what the job waits for, if that has this digest, its wait is not over, and nobody asked the
    /// job to stop. The time is the store's. A repeat for the same digest stores nothing, and is answered as the first was,
    /// also after the end of the wait.
    async fn approve(
        &self,
        id: &str,
        digest: &str,
        by: &str,
        note: &str,
    ) -> Result<Approve, StoreError>;
    /// Records that a job is to stop, which waits for an approval that nobody gave. `false` means that it waits for none,
    /// or is to stop already.
    async fn reject(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError>;
    /// Pauses a job: its release takes no further step. The time is the store's. A job that is paused stays so, with
    /// whoever came first. `false` means that it cannot be paused: see [`JobRecord::can_be_paused`]. A job
    /// that takes its last step cannot be, either.
    async fn pause(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError>;
    /// Ends the pause of a job. `false` means that it is not paused.
    async fn resume(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError>;
    /// Records that a job is to stop, whose release is under way. `false` means that it cannot be aborted: see
    /// [`JobRecord::can_be_aborted`]. A job that takes its last step cannot be, either.
    async fn abort(&self, id: &str, by: &str, note: &str) -> Result<bool, StoreError>;
}

/// Jobs, for the daemon that runs them.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Returns the jobs that have not ended, oldest first. A job that cannot be read is no error of the
    /// others.
    async fn unfinished(&self) -> Result<Unfinished, StoreError>;
    /// Counts the jobs that have not ended.
    async fn run_counts(&self) -> Result<RunCounts, StoreError> {
        let Unfinished { jobs, unreadable } = self.unfinished().await?;
        let mut counts = RunCounts { left_alone: unreadable.len() as u64, ..RunCounts::default() };
        for job in &jobs {
            match (job.has_begun, job.is_stopping) {
                (false, _) => counts.pending += 1,
                (true, false) => counts.executing += 1,
                (true, true) => counts.finalizing += 1,
            }
        }
        Ok(counts)
    }
    /// Returns whether an app has a job that has not ended.
    async fn has_unfinished(&self, app: &App) -> Result<bool, StoreError>;
    /// Marks a job as unreadable for as long as this daemon lives. [`Jobs::jobs`] lists it as such.
    async fn set_aside(&self, job: &str, why: &str) -> Result<(), StoreError>;
    /// Claims a job for a daemon, also one that the same daemon claimed before. Earlier claims of the job
    /// store nothing from then on. `None` means that the job has ended, is unknown, or is claimed by
    /// another daemon that lives. Each store decides which daemons live: a store of one daemon ends all
    /// claims when it is opened.
    async fn claim(&self, job: &str, daemon: &str) -> Result<Option<Claim>, StoreError>;
    /// Stores one event, with all that follows from it: number, state, due work, release. Returns once the
    /// event is stored. [`StoreError::Fenced`] and [`StoreError::Ended`] mean that the job takes no event from
    /// this claim, ever.
    async fn append(&self, claim: &Claim, event: Event) -> Result<(), StoreError>;
    /// Takes one log line, and returns before it is stored: `ahead` gets the answer. Lines and events of a claim
    /// are stored in the order in which the store took them. A store without a queue stores the line at once.
    async fn take_line(
        &self,
        claim: &Claim,
        line: Event,
        ahead: &Arc<Ahead>,
    ) -> Result<(), StoreError> {
        let stored = self.append(claim, line).await;
        ahead.taken().give(stored);
        Ok(())
    }
    /// Ends the wait of a job whose time was over at `now_ms`: records [`Stop::NotApproved`], unless somebody approved. The
    /// first reason for a stop stays.
    async fn lapse(&self, job: &str, now_ms: u64) -> Result<Lapse, StoreError>;
    /// Records that a job is to stop, since the newer job `by` of its app is there. `false` means that it is to stop
    /// already, has ended, or is unknown.
    async fn supersede(&self, job: &str, by: &str) -> Result<bool, StoreError>;
    /// Returns everything that people said about a job, as it is now. An unknown job has nothing.
    async fn interventions(&self, job: &str) -> Result<Interventions, StoreError>;
    /// Returns a job and its events, as they were at one moment. `None` means that the job is unknown.
    async fn replay(&self, job: &str) -> Result<Option<Replay>, StoreError>;
}

/// Work that is due at a later time. The events of jobs schedule it: see [`windlass_model::due::due_after`].
#[async_trait]
pub trait DueWork: Send + Sync {
    /// Takes work that is due at `now_ms`, the earliest first, at most `limit`. Taken work is not taken
    /// again before `until_ms`, unless an event schedules it again. Work that cannot be read is left out.
    async fn take_due(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError>;
    /// Reports taken work as done. It is due again at `next_ms`; `None` means never. Changes nothing where
    /// an event scheduled the work again since it was taken.
    async fn finish_due(&self, due: &Due, next_ms: Option<u64>) -> Result<(), StoreError>;
    /// Makes all work of a kind due at `now_ms` that is due later: of one project's apps, or of all. `None` means all.
    /// Work that is taken can be taken again.
    async fn hasten(
        &self,
        kind: DueKind,
        project: Option<&str>,
        now_ms: u64,
    ) -> Result<(), StoreError>;
    /// Returns when work can be taken next, in milliseconds since 1970. `None` means that there is none.
    async fn next_due(&self) -> Result<Option<u64>, StoreError>;
    /// Deletes the log lines among a job's events, in slices: writes of other jobs do not wait.
    async fn forget_logs(&self, job: &str) -> Result<(), StoreError>;
    /// Deletes a job and its events, in slices. The job's release stays.
    async fn forget_job(&self, job: &str) -> Result<(), StoreError>;
}

/// Ids of jobs, as they get new events.
pub trait JobUpdates: Send + Sync {
    /// Subscribes. A receiver that falls behind must read the store itself.
    fn updates(&self) -> broadcast::Receiver<String>;
}

/// Releases that succeeded.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Returns releases with the time that each was made (milliseconds since 1970), newest first, older
    /// than the id `before`. `None` begins with the newest. What cannot be read is left out, and logged; it is an
    /// error where nothing else is left.
    async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError>;
    /// Returns the newest release that came to a cluster. `None` means that no release came there, or none since the
    /// app was removed from it.
    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, StoreError>;
    /// Returns the id of the job that removed an app from a cluster last: no release up to it serves there. `None` means
    /// that no job did.
    async fn removal(&self, app: &App, cluster: &str) -> Result<Option<String>, StoreError>;
    /// Returns when a part of a migration of an app was done in a cluster, in milliseconds since 1970. `None` means that
    /// none of this key was since the app came to the cluster.
    async fn migrated(
        &self,
        app: &App,
        cluster: &str,
        key: &str,
    ) -> Result<Option<u64>, StoreError>;
    /// Returns the last contraction of an app's data in a cluster. `None` means that there was none since the app came to
    /// the cluster.
    async fn contraction(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Contraction>, StoreError>;
    /// Returns the newest release of each app in each cluster that it was not removed from since, of those whose stored
    /// form holds `text`. The empty text means all. What cannot be read is left out, and logged.
    async fn serving(&self, text: &str) -> Result<Vec<Release>, StoreError>;
    /// Returns the newest collected release of an app whose id or commit begins with `text`. `None` means that none is
    /// remembered: see [`COLLECTED_REMEMBERED`].
    async fn collected(&self, app: &App, text: &str) -> Result<Option<Collected>, StoreError>;
}

/// Sealed secrets, without their values.
#[async_trait]
pub trait SecretRecords: Send + Sync {
    /// Seals a new version. Its number is higher than that of any version before, also of deleted ones.
    async fn put(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError>;
    /// Returns the newest version of each secret, by name.
    async fn list(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError>;
    /// Deletes all versions of a secret. Their numbers never come back. `false` means that there was none.
    async fn delete(&self, project: &str, name: &str) -> Result<bool, StoreError>;
}

/// Whole storage of a daemon. Parts that need less of it take the narrower traits.
#[async_trait]
pub trait Store:
    Jobs
    + Runs
    + DueWork
    + JobUpdates
    + Releases
    + Collection
    + SecretRecords
    + Secrets
    + Projects
    + ForgeHooks
    + Sessions
    + Deliveries
    + Outbox
    + Previews
    + OwnClusters
    + OwnRegistries
{
    /// Checks that events can be stored now, by a row that is written and deleted.
    async fn check(&self) -> Result<(), StoreError>;
    /// Returns the room on the store's disk. Makes the reserve again where there is room for it.
    async fn room(&self) -> Result<Room, StoreError>;
    /// Waits until the store takes no event any more: it was closed, or what writes it has ended by a defect.
    async fn ended(&self);
    /// Closes the store. All stored rows are on the disk then, log lines too.
    async fn close(&self);
}
