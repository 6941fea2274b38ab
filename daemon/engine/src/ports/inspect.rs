//! The cluster, looked at for people: nothing of it decides anything.

use async_trait::async_trait;
use tokio::sync::mpsc;
use windlass_model::{app::App, endpoint::Endpoint, error::ClusterError, job::Release};
use windlass_rollout::snapshot::Snapshot;

/// The release that serves in a cluster.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// Where the app of a release answers, those that the world reaches first.
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError>;
    /// What the cluster shows of a release now.
    async fn look(&self, release: &Release) -> Result<Snapshot, ClusterError>;
    /// What the containers of an app print there. It goes on until nothing more can come, or the
    /// receiver is dropped.
    async fn logs(
        &self,
        app: &App,
        cluster: &str,
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError>;
}

/// A choice of an app's log lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Only of this process; empty: of all.
    pub process: String,
    /// Those too that are printed from now on.
    pub follow: bool,
    /// Of the run before the last restart of each container.
    pub previous: bool,
    /// Lines of each container's past.
    pub tail: u32,
    /// Only of the last so many seconds.
    pub since_seconds: Option<u32>,
}

/// One line that a container printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine {
    /// Where.
    pub cluster: String,
    /// The pod; empty for a word of our own.
    pub pod: String,
    /// The app's process that it is.
    pub process: String,
    /// The container.
    pub container: String,
    /// By the node's clock, in milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// Without its line end.
    pub line: String,
    /// It was too long: its rest comes as the container's next line.
    pub is_cut: bool,
}
