//! The cluster: as a job changes it, and as it is looked at before.

use crate::recorder::Recorder;
use async_trait::async_trait;
use tokio::sync::mpsc;
use windlass_model::{
    error::ClusterError,
    hook::{Action, ActionResult},
    job::Release,
    plan::Change,
};
use windlass_rollout::snapshot::Snapshot;

/// What is seen of a release; or why nothing is, which is the last that is said.
pub type Observation = Result<Snapshot, ClusterError>;

/// The cluster, as one job may change it.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Makes a change; the same one again changes nothing.
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError>;
    /// Does what a hook wants. The same `key` again makes no second Job.
    async fn act(
        &self,
        release: &Release,
        hook: &str,
        key: &str,
        action: &Action,
        recorder: &Recorder,
    ) -> Result<ActionResult, ClusterError>;
    /// What the cluster shows of this release, each time that it changes.
    async fn observe(&self, release: &Release)
    -> Result<mpsc::Receiver<Observation>, ClusterError>;
    /// Last words of failing pods and events, read before anything is undone.
    async fn evidence(&self, release: &Release) -> Vec<String>;
    /// Renews what nodes pull this release's image with. Says when it is due again, in milliseconds
    /// since 1970; none where the app is gone.
    async fn renew(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<u64>, ClusterError>;
}

/// The cluster, looked at before anything is changed.
#[async_trait]
pub trait Preview: Send + Sync {
    /// Whether the cluster knows all kinds of a release, and lets this daemon make them.
    async fn check(&self, release: &Release) -> Result<(), ClusterError>;
    /// Whether pods of this app serve, of whatever release.
    async fn serves(&self, release: &Release) -> Result<bool, ClusterError>;
    /// A release's objects as JSON, in the order in which they are applied; those that hold a password
    /// are left out.
    fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError>;
    /// What applying a release would change. Secrets are masked.
    async fn changes(&self, release: &Release) -> Result<Vec<ObjectChange>, ClusterError>;
}

/// What applying would do to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// Kind and name.
    pub object: String,
    /// What happens.
    pub verb: ChangeVerb,
    /// Lines of YAML: those that go from `-`, those that come from `+`, and some around them.
    pub lines: Vec<String>,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeVerb {
    /// It is made.
    Create,
    /// Some of its fields change.
    Update,
    /// It stays as it is.
    Keep,
    /// It goes, once the release is healthy.
    Delete,
}
