//! Ports of clusters: as a job changes them, and as they are checked before.

use crate::recorder::Recorder;
use async_trait::async_trait;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::mpsc;
use windlass_model::{
    error::ClusterError,
    hook::{Action, ActionResult},
    job::Release,
    plan::Change,
    runtime::MigrationPhase,
};
use windlass_rollout::snapshot::Snapshot;

/// One observation of a release. After an `Err` the stream ends.
pub type Observation = Result<Snapshot, ClusterError>;

/// Reason for which a release is watched. It decides how long a watch lasts before it is opened again: so late a connection
/// is noticed that died without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// Pods of the release come up, and somebody waits for them.
    Rollout,
    /// Pods of the release were healthy. It holds, or waits for an approval, for days perhaps, and many others do so, too.
    Guard,
}

/// Clusters, as one job may change them.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Makes a change. The same change again changes nothing.
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError>;
    /// Does an action of a hook. The same `key` again makes no second `Job`.
    async fn act(
        &self,
        release: &Release,
        hook: &str,
        key: &str,
        action: &Action,
        recorder: &Recorder,
    ) -> Result<ActionResult, ClusterError>;
    /// Runs a part of a release's migration as a `Job` of its image, and waits for its end. The same key again makes no
    /// second `Job`, unless the `Job` of another release has failed. [`ActionResult::Waited`] means that the release is to
    /// end, and no `Job` of this key has begun. [`ActionResult::Denied`] means that its turn never came.
    async fn migrate(
        &self,
        release: &Release,
        migration: &Migration,
        recorder: &Recorder,
    ) -> Result<JobEnd, ClusterError>;
    /// Returns a snapshot of this release each time that the cluster's objects change.
    async fn observe(
        &self,
        release: &Release,
        watching: Watching,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError>;
    /// Returns the last log lines and the events of failing pods. They are read before anything is undone. The
    /// login that the pods were pulled with is masked in `recorder` first.
    async fn evidence(&self, release: &Release, recorder: &Recorder) -> Vec<String>;
    /// Renews the pull secret of this release, where its login is another than before. Returns when to look
    /// again, in milliseconds since 1970. `None` means that the app was deleted, or has no pull secret.
    async fn renew(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<u64>, ClusterError>;
}

/// A part of a migration that is run.
#[derive(Clone, Debug)]
pub struct Migration {
    pub phase: MigrationPhase,
    /// Id of the job that runs it. A contraction is another job than its release.
    pub job: String,
    /// Key of exactly this run: the same for the same Job.
    pub key: String,
    /// Set once the release is to end: a `Job` that has not begun does not begin any more.
    pub ending: Arc<AtomicBool>,
}

impl Migration {
    /// Returns whether the release is to end.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

/// End of a `Job`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEnd {
    pub result: ActionResult,
    /// The command may have begun. `false` means that it surely did nothing.
    pub may_have_run: bool,
}

impl JobEnd {
    /// Makes the end of a command that ran.
    #[must_use]
    pub fn ran(result: ActionResult) -> Self {
        Self { result, may_have_run: true }
    }

    /// Makes the end of a command that did not run.
    #[must_use]
    pub fn never_ran(result: ActionResult) -> Self {
        Self { result, may_have_run: false }
    }
}

/// Clusters, as they are checked before a change.
#[async_trait]
pub trait ClusterReader: Send + Sync {
    /// Checks that the cluster knows all kinds of a release, and lets this daemon make them.
    async fn check(&self, release: &Release) -> Result<(), ClusterError>;
    /// Returns whether pods of this app serve, of whatever release.
    async fn serves(&self, release: &Release) -> Result<bool, ClusterError>;
    /// Returns a release's objects as JSON, in the order in which they are applied. Objects that hold a
    /// password are left out.
    async fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError>;
    /// Returns the changes that applying a release would make. Secrets are masked.
    async fn changes(&self, release: &Release) -> Result<Vec<ObjectChange>, ClusterError>;
}

/// Change that applying would make to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// Kind and name.
    pub object: String,
    pub verb: ChangeVerb,
    /// Lines of YAML: removed ones with `-`, added ones with `+`, and some around them.
    pub lines: Vec<String>,
}

/// Kind of a change to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeVerb {
    Create,
    Update,
    /// The object stays as it is.
    Keep,
    /// The object is deleted once the release is healthy.
    Delete,
}
