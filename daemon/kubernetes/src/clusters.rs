//! All clusters of one daemon, each with its own connection and credentials.

use crate::{cluster::Kubernetes, own::OwnConnections};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Acquired, Cluster, ClusterReader, Inspect, JobEnd, LeaseHolder, Leases, LogLine,
        LogRequest, MadeObject, Migration, ObjectChange, Observation, Renewed, Watching, WebAnswer,
        WebCheck,
    },
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    cluster::NoCluster,
    endpoint::Endpoint,
    error::ClusterError,
    hook::{Action, ActionResult},
    job::Release,
    plan::Change,
};
use windlass_rollout::snapshot::Snapshot;

/// The operator's clusters by name, and those of projects' own. A call about a release goes to the first cluster that the
/// release names.
pub struct Clusters {
    named: Vec<(String, Arc<Kubernetes>)>,
    own: Arc<OwnConnections>,
}

impl Clusters {
    /// Takes clusters in the operator's order, and the connections of projects.
    #[must_use]
    pub fn new(named: Vec<(String, Kubernetes)>, own: Arc<OwnConnections>) -> Self {
        let named = named.into_iter().map(|(name, cluster)| (name, Arc::new(cluster))).collect();
        Self { named, own }
    }

    /// Returns the cluster of a release.
    ///
    /// # Errors
    /// [`ClusterError::Unknown`] when neither the configuration nor the project names that cluster,
    /// [`ClusterError::NoCluster`] when both do, or when the project's was removed.
    pub async fn of(&self, release: &Release) -> Result<Arc<Kubernetes>, ClusterError> {
        self.named(&release.app.project, release.cluster()).await
    }

    async fn named(&self, project: &str, wanted: &str) -> Result<Arc<Kubernetes>, ClusterError> {
        match (self.operators(wanted), self.own.find(project, wanted).await) {
            (Ok(_), Ok(Some(_)) | Err(ClusterError::NotTrusted { .. })) => {
                let (name, project) = (wanted.to_owned(), project.to_owned());
                Err(NoCluster::Twice { name, project }.into())
            }
            (Ok(operators), Ok(None) | Err(ClusterError::NoCluster(_))) => Ok(operators),
            (Err(_), Ok(Some(own))) => Ok(own),
            (Err(unknown), Ok(None)) => Err(unknown),
            (_, Err(error)) => Err(error),
        }
    }

    /// Returns one of the operator's clusters.
    fn operators(&self, wanted: &str) -> Result<Arc<Kubernetes>, ClusterError> {
        let found = self.named.iter().find(|(name, _)| name == wanted);
        found.map(|(_, cluster)| cluster.clone()).ok_or_else(|| ClusterError::Unknown {
            name: wanted.to_owned(),
            known: self.named.iter().map(|(name, _)| name.clone()).collect(),
        })
    }
}

#[async_trait]
impl Cluster for Clusters {
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError> {
        self.of(change.release()).await?.make(change, recorder).await
    }

    async fn act(
        &self,
        release: &Release,
        hook: &str,
        key: &str,
        action: &Action,
        recorder: &Recorder,
    ) -> Result<ActionResult, ClusterError> {
        self.of(release).await?.act(release, hook, key, action, recorder).await
    }

    async fn migrate(
        &self,
        release: &Release,
        migration: &Migration,
        recorder: &Recorder,
    ) -> Result<JobEnd, ClusterError> {
        self.of(release).await?.migrate(release, migration, recorder).await
    }

    async fn observe(
        &self,
        release: &Release,
        watching: Watching,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        self.of(release).await?.observe(release, watching).await
    }

    async fn evidence(&self, release: &Release, recorder: &Recorder) -> Vec<String> {
        match self.of(release).await {
            Ok(cluster) => cluster.evidence(release, recorder).await,
            Err(error) => vec![error.to_string()],
        }
    }

    async fn renew(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<u64>, ClusterError> {
        self.of(release).await?.renew(release, recorder).await
    }
}

#[async_trait]
impl ClusterReader for Clusters {
    async fn check(&self, release: &Release) -> Result<(), ClusterError> {
        self.of(release).await?.check(release).await
    }

    async fn serves(&self, release: &Release) -> Result<bool, ClusterError> {
        self.of(release).await?.serves(release).await
    }

    async fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError> {
        self.of(release).await?.manifests(release).await
    }

    async fn changes(&self, release: &Release) -> Result<Vec<ObjectChange>, ClusterError> {
        self.of(release).await?.changes(release).await
    }
}

#[async_trait]
impl Inspect for Clusters {
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        self.of(release).await?.endpoints(release).await
    }

    async fn look(&self, release: &Release) -> Result<Snapshot, ClusterError> {
        self.of(release).await?.look(release).await
    }

    async fn made(&self, release: &Release, data: bool) -> Result<Vec<MadeObject>, ClusterError> {
        self.of(release).await?.made(release, data).await
    }

    async fn logs(
        &self,
        app: &App,
        cluster: &str,
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        self.named(&app.project, cluster).await?.logs(app, cluster, request).await
    }

    async fn compare(
        &self,
        before: Option<&Release>,
        after: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        self.of(after).await?.compare(before, after).await
    }

    async fn version(&self, cluster: &str) -> Result<String, ClusterError> {
        self.operators(cluster)?.version(cluster).await
    }
}

#[async_trait]
impl WebCheck for Clusters {
    async fn ask(&self, release: &Release, path: &str) -> Result<WebAnswer, ClusterError> {
        self.of(release).await?.ask(release, path).await
    }
}

#[async_trait]
impl Leases for Clusters {
    async fn acquire(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        over: Option<&str>,
        makes_namespace: bool,
    ) -> Result<Acquired, ClusterError> {
        self.of(release).await?.acquire(release, holder, over, makes_namespace).await
    }

    async fn renew_lease(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        version: &str,
    ) -> Result<Renewed, ClusterError> {
        // It was taken there, and each write asks whether the cluster is still the release's. A release that holds asks for
        // nothing else, six times a minute.
        match self.operators(release.cluster()) {
            Ok(operators) => operators.renew_lease(release, holder, version).await,
            Err(_) => self.of(release).await?.renew_lease(release, holder, version).await,
        }
    }

    async fn give_back(&self, release: &Release, holder: &LeaseHolder) -> Result<(), ClusterError> {
        self.of(release).await?.give_back(release, holder).await
    }
}
