//! What the store keeps, as those who ask for it see it: the ports of the API.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::broadcast;
use windlass_model::{
    app::App,
    event::Event,
    job::{Job, Release, Stage},
    outcome::{Outcome, Stop},
    secret::Secret,
};

/// Why the store did not do it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No room on its disk: nothing was changed.
    #[error("the store's disk is full: {0}")]
    Full(String),
    /// Another process holds it.
    #[error("another daemon holds the store at {0}")]
    Held(String),
    /// The same request id came with another body.
    #[error("request_id `{0}` was used for another request")]
    RequestReused(String),
    /// What is stored is not what this version writes.
    #[error("{what} in the store cannot be read: {why}")]
    Unreadable {
        /// Which row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Anything else.
    #[error("the store failed: {0}")]
    Other(String),
}

/// A request to be stored.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Chosen by the client.
    pub request_id: String,
    /// The request as it came: tells a repeat from another request.
    pub body: Vec<u8>,
    /// `created_ms` is set by the store.
    pub job: Job,
}

/// A stored request.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The job, of this or of the first such request.
    pub record: JobRecord,
    /// It was not there before.
    pub is_new: bool,
}

/// A job and where it stands.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// As accepted.
    pub job: Job,
    /// The last event's number.
    pub last_seq: u64,
    /// See [`JobState`].
    pub state: JobState,
    /// The stage it is in or ended in.
    pub stage: Option<Stage>,
    /// It was asked to stop.
    pub stop: Option<Stop>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it was taken up first, in milliseconds since 1970.
    pub started_ms: Option<u64>,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: Option<u64>,
}

/// `replay::State`, without its stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has taken it up.
    Waiting,
    /// A stage is at work.
    Running,
    /// On the way back.
    #[serde(rename = "turning_back")]
    RollingBack,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Was asked to stop.
    Stopped,
}

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of these; none: of all.
    pub projects: Option<Vec<String>>,
    /// Only of this app.
    pub app: Option<String>,
    /// Only of this environment.
    pub environment: Option<String>,
    /// Only in these states; empty: in any.
    pub states: Vec<JobState>,
    /// Only older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// An event as it was stored.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// 1, 2, 3 … per job.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
}

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRecord {
    /// Whose.
    pub project: String,
    /// Its name.
    pub name: String,
    /// The newest.
    pub version: u32,
    /// Milliseconds since 1970.
    pub created_ms: u64,
}

/// Jobs and their events.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Stores a job, once per principal and request id.
    async fn submit(&self, submission: Submission) -> Result<Submitted, StoreError>;
    /// The job of a principal's earlier request with this id; [`StoreError::RequestReused`] where that
    /// had another body.
    async fn submitted(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError>;
    /// One job.
    async fn job(&self, id: &str) -> Result<Option<JobRecord>, StoreError>;
    /// Newest first.
    async fn jobs(&self, filter: &Filter) -> Result<Vec<JobRecord>, StoreError>;
    /// A job's events after `seq`, at most `limit`.
    async fn events(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError>;
    /// Records that a job is to stop; the first reason stays. False when it has ended.
    async fn stop(&self, id: &str, why: &Stop) -> Result<bool, StoreError>;
}

/// Ids of jobs, as they get new events.
pub trait JobUpdates: Send + Sync {
    /// A receiver that falls behind must look for itself.
    fn updates(&self) -> broadcast::Receiver<String>;
}

/// Releases that succeeded.
#[async_trait]
pub trait Releases: Send + Sync {
    /// With the time that each was made (ms since 1970), newest first, older than `before`.
    async fn releases(
        &self,
        app: &App,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Release, u64)>, StoreError>;
    /// The newest that came to a cluster.
    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, StoreError>;
}

/// Sealed secrets, without their values.
#[async_trait]
pub trait SecretRecords: Send + Sync {
    /// Seals a new version.
    async fn put(
        &self,
        project: &str,
        name: &str,
        value: &Secret,
    ) -> Result<SecretRecord, StoreError>;
    /// The newest version of each, by name.
    async fn list(&self, project: &str) -> Result<Vec<SecretRecord>, StoreError>;
    /// Deletes all versions; false when there was none.
    async fn delete(&self, project: &str, name: &str) -> Result<bool, StoreError>;
}
