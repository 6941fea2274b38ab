//! Port of clusters, as people look at them: nothing of it decides anything.

use super::cluster::ObjectChange;
use async_trait::async_trait;
use tokio::sync::mpsc;
use windlass_model::{
    app::App,
    endpoint::Endpoint,
    error::{BuildError, ClusterError},
    job::Release,
};
use windlass_rollout::snapshot::Snapshot;

/// Releases that serve in clusters.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// Returns the endpoints of a release's app, those that the world reaches first.
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError>;
    /// Returns the snapshot of a release now.
    async fn look(&self, release: &Release) -> Result<Snapshot, ClusterError>;
    /// Returns the objects that were made for a release's app, those that go first in a removal first. `data` says whether
    /// volume claims go too.
    async fn made(&self, release: &Release, data: bool) -> Result<Vec<MadeObject>, ClusterError>;
    /// Returns the lines that the containers of an app print. The stream goes on until no more line can come,
    /// or the receiver is dropped.
    async fn logs(
        &self,
        app: &App,
        cluster: &str,
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError>;
    /// Returns the changes from one release's objects to those of another, as both are rendered: no cluster is asked.
    /// Values of secrets are in neither. Deletions come last. `None` means that nothing was released before.
    async fn compare(
        &self,
        before: Option<&Release>,
        after: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError>;
    /// Returns the version of the API server of one of the operator's clusters, which answers now.
    async fn version(&self, cluster: &str) -> Result<String, ClusterError>;
}

/// The builder, as people look at it.
#[async_trait]
pub trait InspectBuilder: Send + Sync {
    /// Returns the address of the operator's configuration.
    fn address(&self) -> String;
    /// Returns the version of the builder, which answers now. Empty means that the builder does not give it.
    async fn version(&self) -> Result<String, BuildError>;
}

/// An object that was made for an app, and its fate in a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeObject {
    /// Kind and name.
    pub object: String,
    /// The reason for which the object stays. `None` means that it goes.
    pub stays: Option<String>,
}

/// Choice of an app's log lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Process whose lines are read. Empty means all processes.
    pub process: String,
    /// `follow`: lines that are printed from now on, too.
    pub follow: bool,
    /// `previous`: lines of the run before the last restart of each container.
    pub previous: bool,
    /// `tailLines`: number of lines of each container's past.
    pub tail: u32,
    /// `sinceSeconds`: lines of the last so many seconds. `None` means of any time.
    pub since_seconds: Option<u32>,
}

/// One line that a container printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine {
    pub cluster: String,
    /// Pod of the container. Empty means that Windlass itself wrote the line.
    pub pod: String,
    /// `metadata.uid` of the pod: a `StatefulSet` gives a new pod the old one's name.
    pub uid: String,
    /// Process of the app.
    pub process: String,
    pub container: String,
    /// Time by the node's clock, in milliseconds since 1970. `None` means that it is not known.
    pub at_ms: Option<u64>,
    /// Text without its line end.
    pub line: String,
    /// The line was too long: its rest comes as the container's next line.
    pub is_cut: bool,
}
