//! Parts that no test of a route reaches, and a cluster and a builder that answer.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;
use windlass_engine::{
    pipeline::{DryRun, DryRunRequest},
    ports::{
        ChangeVerb, ClusterProbe, Inspect, InspectBuilder, KubeconfigError, LogLine, LogRequest,
        MadeObject, ObjectChange, PluginStatus, PullRequests, PullStates, ReadKubeconfig,
        ReviewedCluster, Tree, Upload, Uploads,
    },
};
use windlass_model::{
    app::App,
    diagnosis::Diagnosis,
    endpoint::Endpoint,
    error::{BuildError, ClusterError, GitError},
    job::{Commit, Release},
    own::{
        cluster::OwnCluster,
        registry::{OwnRegistry, RegistrySecrets},
    },
    project::RepositorySpec,
    revision::Revision,
    secret::Secret,
    spec::Spec,
};
use windlass_rollout::snapshot::Snapshot;
use windlass_service::{
    Planner, PluginRecords, RegistryAdmin, RegistryFinding, RemoteReader, ServiceError,
};

/// Repositories, plugins and folders, of which there are none.
pub(super) struct Nothing;

#[async_trait]
impl Planner for Nothing {
    async fn resolve(
        &self,
        _: &App,
        commit: Commit,
        _: &Revision,
    ) -> Result<Commit, Box<Diagnosis>> {
        Ok(commit)
    }

    async fn plan(&self, _: &DryRunRequest<'_>) -> Result<DryRun, Box<Diagnosis>> {
        panic!("no route plans")
    }

    async fn plan_folder(&self, _: &App, _: &Spec, _: &dyn Tree) -> Result<DryRun, Box<Diagnosis>> {
        panic!("no route plans a folder")
    }
}

/// Registries and clusters that projects bring: what a test of one finds.
pub(super) struct Brought;

/// Role that a cluster lacks.
pub(super) const ROLE: &str = "kind: Role\n";

#[async_trait]
impl ClusterProbe for Brought {
    fn read(&self, kubeconfig: &Secret) -> Result<ReadKubeconfig, KubeconfigError> {
        Ok(ReadKubeconfig { server: "https://k8s.example.com".into(), kept: kubeconfig.clone() })
    }

    fn forget(&self, _: &str, _: Option<&str>) {}

    async fn review(
        &self,
        _: &str,
        _: &OwnCluster,
        _: &Secret,
    ) -> Result<ReviewedCluster, ClusterError> {
        let missing = vec![ROLE.to_owned()];
        Ok(ReviewedCluster { version: "v1.35.0".into(), missing, unknown: Vec::new() })
    }
}

#[async_trait]
impl RegistryAdmin for Brought {
    async fn admit(
        &self,
        _: &str,
        _: &OwnRegistry,
        _: &RegistrySecrets,
    ) -> Result<(), ServiceError> {
        Ok(())
    }

    async fn check(
        &self,
        _: &str,
        registry: &OwnRegistry,
        _: &RegistrySecrets,
    ) -> Vec<RegistryFinding> {
        let finding = |(login, _)| RegistryFinding {
            login,
            message: format!("{} refuses the login: 401", registry.host),
            fix: "put a password that is valid".into(),
        };
        registry.logins().map(finding).collect()
    }

    async fn changed(&self, _: &str) {}

    async fn withheld(&self, _: &str) -> Option<String> {
        None
    }
}

#[async_trait]
impl PluginRecords for Nothing {
    fn list(&self) -> Vec<PluginStatus> {
        Vec::new()
    }

    async fn reload(&self) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl RemoteReader for Nothing {
    async fn refs(&self, _: &str, _: &Commit) -> Result<BTreeMap<String, String>, Box<Diagnosis>> {
        Ok(BTreeMap::new())
    }

    async fn changed_paths(
        &self,
        _: &str,
        _: &str,
        _: &Commit,
    ) -> Result<Vec<String>, Box<Diagnosis>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl PullRequests for Nothing {
    async fn pull_states(&self, _: &str, _: &RepositorySpec, _: &BTreeSet<u64>) -> PullStates {
        PullStates::default()
    }
}

impl Uploads for Nothing {
    fn begin(&self) -> Result<Box<dyn Upload>, GitError> {
        panic!("no route takes a folder")
    }
}

/// A cluster where an app has two objects, and a builder.
pub(super) struct Parts;

#[async_trait]
impl Inspect for Parts {
    async fn endpoints(&self, _: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        Ok(Vec::new())
    }

    async fn look(&self, _: &Release) -> Result<Snapshot, ClusterError> {
        Ok(Snapshot::default())
    }

    async fn made(&self, _: &Release, data: bool) -> Result<Vec<MadeObject>, ClusterError> {
        let made = |object: &str, stays: Option<&str>| MadeObject {
            object: object.into(),
            stays: stays.map(Into::into),
        };
        let stays = Some("it holds data").filter(|_| !data);
        Ok(vec![made("Deployment web", None), made("PersistentVolumeClaim web-disk", stays)])
    }

    async fn logs(
        &self,
        _: &App,
        _: &str,
        _: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        Ok(mpsc::channel(1).1)
    }

    async fn compare(
        &self,
        _: Option<&Release>,
        after: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        let lines = vec![format!("+ image: {}", after.image.digest)];
        let object = "Deployment web".to_owned();
        Ok(vec![ObjectChange { object, verb: ChangeVerb::Update, lines }])
    }

    async fn version(&self, _: &str) -> Result<String, ClusterError> {
        Err(ClusterError::Unreachable { message: "connection refused".into() })
    }
}

#[async_trait]
impl InspectBuilder for Parts {
    fn address(&self) -> String {
        "tcp://builder.example:1234".into()
    }

    async fn version(&self) -> Result<String, BuildError> {
        Ok("v0.25.0".into())
    }
}
