//! The Cluster port.

use crate::{
    apply::{self, Applier, Claims, pull_secret},
    client::Client,
    hooks::{self, HookJob},
    observe::{self, endpoints, evidence, list, logs},
    render::{PullLogin, manifests},
};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Cluster, Inspect, LogLine, LogRequest, Logins, ObjectChange, Observation, Preview, Secrets,
    },
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    endpoint::Endpoint,
    error::ClusterError,
    event::Event,
    hook::{Action, ActionResult},
    job::Release,
    plan::Change,
};
use windlass_rollout::snapshot::Snapshot;

/// One cluster.
pub struct Kubernetes {
    client: Client,
    secrets: Arc<dyn Secrets>,
    logins: Arc<dyn Logins>,
    pod_security: Option<String>,
}

impl Kubernetes {
    /// `logins`: what becomes a pull secret in each namespace; where nobody logs in, nodes do it by
    /// themselves. `pod_security`: the level that the namespaces enforce; none leaves it to others.
    #[must_use]
    pub fn new(
        client: Client,
        secrets: Arc<dyn Secrets>,
        logins: Arc<dyn Logins>,
        pod_security: Option<String>,
    ) -> Self {
        Self { client, secrets, logins, pod_security }
    }

    fn with<'a>(&'a self, pull: Option<&'a PullLogin>) -> Applier<'a> {
        Applier {
            client: &self.client,
            secrets: &*self.secrets,
            pull,
            pod_security: self.pod_security.as_deref(),
            back: None,
        }
    }

    /// A release's objects as they can be shown: secrets by name alone.
    fn shown(&self, release: &Release) -> Vec<serde_json::Value> {
        let pull = self.named(release);
        manifests(release, None, pull.as_ref(), self.pod_security.as_deref())
    }

    /// The pull secret where it is only named: whose login it is does not matter.
    fn named(&self, release: &Release) -> Option<PullLogin> {
        let host = pull_secret::host(release);
        self.logins.knows(host).then(|| PullLogin::named(host))
    }

    /// Credentials that were refused are read again: an operator may have replaced them.
    async fn trusted<T>(&self, answer: Result<T, ClusterError>) -> Result<T, ClusterError> {
        if matches!(answer, Err(ClusterError::NotTrusted { .. })) {
            self.client.log_in_again().await;
        }
        answer
    }

    /// The login that nodes pull a release's image with, and when it is to be renewed.
    async fn pull(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<(PullLogin, Option<u64>)>, ClusterError> {
        pull_secret::login(&*self.logins, pull_secret::host(release), recorder).await
    }

    async fn apply(
        &self,
        release: &Release,
        pods: bool,
        is_back: bool,
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        let pull = self.pull(release, recorder).await?;
        let login = pull.as_ref().map(|(login, _)| login);
        let with = Applier { back: is_back.then_some(recorder), ..self.with(login) };
        with.apply(release, pods).await?;
        if let Some((login, Some(at_ms))) = pull.filter(|_| pods) {
            let event =
                Event::PullSecret { release: Box::new(release.clone()), host: login.host, at_ms };
            recorder.record(event).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Cluster for Kubernetes {
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError> {
        let made = match change {
            Change::Prepare(release) => self.apply(release, false, false, recorder).await,
            Change::Apply(release) => self.apply(release, true, false, recorder).await,
            Change::Restore(release) => self.apply(release, true, true, recorder).await,
            Change::Unblock(release) => apply::unblock(&self.client, release, recorder).await,
            Change::ScaleToZero(release) => apply::scale_to_zero(&self.client, release).await,
            Change::Prune(release) => {
                self.with(self.named(release).as_ref()).prune(release, recorder).await
            }
        };
        self.trusted(made).await
    }

    async fn act(
        &self,
        release: &Release,
        hook: &str,
        key: &str,
        action: &Action,
        recorder: &Recorder,
    ) -> Result<ActionResult, ClusterError> {
        let done = match action {
            Action::Wait { .. } => Ok(ActionResult::Waited),
            Action::PodExec { command, timeout_ms, once } => {
                hooks::exec(&self.client, release, command, *timeout_ms, *once).await
            }
            Action::RunJob { command, timeout_ms } => {
                let (timeout_ms, pull) =
                    (*timeout_ms, self.pull(release, recorder).await?.is_some());
                let job = HookJob { hook, key, command, timeout_ms, pull };
                hooks::run_job(&self.client, release, &job, recorder).await
            }
        };
        self.trusted(done).await
    }

    async fn observe(
        &self,
        release: &Release,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        Ok(observe::observe(&self.client, release))
    }

    async fn evidence(&self, release: &Release) -> Vec<String> {
        evidence::collect(&self.client, release).await
    }

    async fn renew(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<u64>, ClusterError> {
        self.trusted(pull_secret::renew(&self.client, &*self.logins, release, recorder).await).await
    }
}

#[async_trait]
impl Preview for Kubernetes {
    async fn check(&self, release: &Release) -> Result<(), ClusterError> {
        let objects = self.shown(release);
        let checked = async {
            self.client.can_make(&release.app.namespace(), &objects).await?;
            Claims::of(&self.client, release).await?.check(release)
        };
        self.trusted(checked.await).await
    }

    async fn serves(&self, release: &Release) -> Result<bool, ClusterError> {
        self.trusted(apply::serves(&self.client, release).await).await
    }

    fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError> {
        let objects = self.shown(release).into_iter();
        // The pull secret holds a password.
        let told = objects.filter(|object| object["type"] != "kubernetes.io/dockerconfigjson");
        Ok(told.map(|object| object.to_string()).collect())
    }

    async fn changes(&self, release: &Release) -> Result<Vec<ObjectChange>, ClusterError> {
        let mut objects = self.shown(release);
        Claims::of(&self.client, release).await?.settle(release, &mut objects);
        self.with(None).changes(release, &objects).await
    }
}

#[async_trait]
impl Inspect for Kubernetes {
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        self.trusted(endpoints::endpoints(&self.client, release).await).await
    }

    async fn look(&self, release: &Release) -> Result<Snapshot, ClusterError> {
        // What is listed is left out where it cannot be had: one that is away would show nothing.
        self.trusted(self.client.check().await).await?;
        Ok(list(&self.client, release).await.snapshot())
    }

    async fn logs(
        &self,
        app: &App,
        cluster: &str,
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        self.trusted(logs::follow(&self.client, app, cluster, request).await).await
    }
}
