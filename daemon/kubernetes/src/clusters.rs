//! All clusters of one daemon, each with its own connection and credentials.

use crate::cluster::Kubernetes;
use async_trait::async_trait;
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Cluster, ClusterReader, Inspect, LogLine, LogRequest, MadeObject, ObjectChange, Observation,
    },
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    endpoint::Endpoint,
    error::ClusterError,
    hook::{Action, ActionResult},
    job::Release,
    plan::Change,
};
use windlass_rollout::snapshot::Snapshot;

/// Clusters by name. A call about a release goes to the first cluster that the release names.
pub struct Clusters {
    named: Vec<(String, Kubernetes)>,
}

impl Clusters {
    /// Takes clusters in the operator's order.
    #[must_use]
    pub fn new(named: Vec<(String, Kubernetes)>) -> Self {
        Self { named }
    }

    /// Returns the cluster of a release.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`] when the configuration no longer names that cluster.
    pub fn of(&self, release: &Release) -> Result<&Kubernetes, ClusterError> {
        self.named(release.cluster())
    }

    fn named(&self, wanted: &str) -> Result<&Kubernetes, ClusterError> {
        let found = self.named.iter().find(|(name, _)| name == wanted);
        found.map(|(_, cluster)| cluster).ok_or_else(|| ClusterError::Unknown {
            name: wanted.to_owned(),
            known: self.named.iter().map(|(name, _)| name.clone()).collect(),
        })
    }
}

#[async_trait]
impl Cluster for Clusters {
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError> {
        self.of(change.release())?.make(change, recorder).await
    }

    async fn act(
        &self,
        release: &Release,
        hook: &str,
        key: &str,
        action: &Action,
        recorder: &Recorder,
    ) -> Result<ActionResult, ClusterError> {
        self.of(release)?.act(release, hook, key, action, recorder).await
    }

    async fn observe(
        &self,
        release: &Release,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        self.of(release)?.observe(release).await
    }

    async fn evidence(&self, release: &Release, recorder: &Recorder) -> Vec<String> {
        match self.of(release) {
            Ok(cluster) => cluster.evidence(release, recorder).await,
            Err(error) => vec![error.to_string()],
        }
    }

    async fn renew(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<u64>, ClusterError> {
        self.of(release)?.renew(release, recorder).await
    }
}

#[async_trait]
impl ClusterReader for Clusters {
    async fn check(&self, release: &Release) -> Result<(), ClusterError> {
        self.of(release)?.check(release).await
    }

    async fn serves(&self, release: &Release) -> Result<bool, ClusterError> {
        self.of(release)?.serves(release).await
    }

    async fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError> {
        self.of(release)?.manifests(release).await
    }

    async fn changes(&self, release: &Release) -> Result<Vec<ObjectChange>, ClusterError> {
        self.of(release)?.changes(release).await
    }
}

#[async_trait]
impl Inspect for Clusters {
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        self.of(release)?.endpoints(release).await
    }

    async fn look(&self, release: &Release) -> Result<Snapshot, ClusterError> {
        self.of(release)?.look(release).await
    }

    async fn made(&self, release: &Release, data: bool) -> Result<Vec<MadeObject>, ClusterError> {
        self.of(release)?.made(release, data).await
    }

    async fn logs(
        &self,
        app: &App,
        cluster: &str,
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        self.named(cluster)?.logs(app, cluster, request).await
    }

    fn compare(
        &self,
        before: Option<&Release>,
        after: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        self.of(after)?.compare(before, after)
    }

    async fn version(&self, cluster: &str) -> Result<String, ClusterError> {
        self.named(cluster)?.version(cluster).await
    }
}
