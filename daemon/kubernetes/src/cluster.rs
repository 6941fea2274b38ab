//! The ports of one cluster: `Cluster`, `ClusterReader` and `Inspect`.

use crate::{
    apply::{self, Applier, Claims, pull_secret},
    client::Client,
    hooks::{self, HookJob},
    lease,
    observe::{self, endpoints, evidence, list, logs},
    render::{PullLogin, beside, manifests, namespace, twice},
    web_check,
};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Acquired, Cluster, ClusterReader, Inspect, JobEnd, LeaseHolder, Leases, LogLine,
        LogRequest, Logins, MadeObject, Migration, ObjectChange, Observation, Renewed, Secrets,
        Watching, WebAnswer, WebCheck,
    },
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    endpoint::Endpoint,
    error::ClusterError,
    event::Event,
    hook::{Action, ActionResult},
    job::{Release, Stage},
    plan::Change,
};
use windlass_rollout::snapshot::Snapshot;

/// A cluster, with what writing to it needs beside its connection.
pub struct Kubernetes {
    client: Client,
    secrets: Arc<dyn Secrets>,
    logins: Arc<dyn Logins>,
    pod_security: Option<String>,
}

impl Kubernetes {
    /// Joins a connection with what writing to the cluster needs.
    ///
    /// `logins` become a pull secret in each namespace. For a registry without a login, nodes log in by
    /// themselves. `pod_security` is the level of `pod-security.kubernetes.io/enforce` on namespaces. `None`
    /// leaves the level to others.
    #[must_use]
    pub fn new(
        client: Client,
        secrets: Arc<dyn Secrets>,
        logins: Arc<dyn Logins>,
        pod_security: Option<String>,
    ) -> Self {
        Self { client, secrets, logins, pod_security }
    }

    fn applier<'a>(&'a self, pull: Option<&'a PullLogin>) -> Applier<'a> {
        Applier {
            client: &self.client,
            secrets: &*self.secrets,
            pull,
            keeps_pull: false,
            pod_security: self.pod_security.as_deref(),
            rollback: None,
        }
    }

    /// Returns a release's objects as they can be shown: secrets by name alone.
    async fn shown(&self, release: &Release) -> Result<Vec<serde_json::Value>, ClusterError> {
        let pull = self.named(release).await?;
        Ok(manifests(release, None, pull.as_ref(), self.pod_security.as_deref()))
    }

    /// Returns the login of the pull secret by its host alone, for where only the object's name matters.
    async fn named(&self, release: &Release) -> Result<Option<PullLogin>, ClusterError> {
        let host = pull_secret::host(release);
        let knows = self.logins.knows(&release.app.project, host).await;
        let knows = knows.map_err(|error| ClusterError::login(host, error))?;
        Ok(knows.then(|| PullLogin::named(host)))
    }

    /// Reads credentials again that the API server refused: an operator may have replaced them.
    async fn trusted<T>(&self, answer: Result<T, ClusterError>) -> Result<T, ClusterError> {
        if matches!(answer, Err(ClusterError::NotTrusted { .. })) {
            self.client.log_in_again().await;
        }
        answer
    }

    /// Returns the login that nodes pull a release's image with, and the time of its renewal in milliseconds
    /// since 1970. `None` means that nodes have no login from us.
    async fn pull(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<(PullLogin, u64)>, ClusterError> {
        pull_secret::login(&*self.logins, release, recorder).await
    }

    async fn apply(
        &self,
        release: &Release,
        pods: bool,
        is_rollback: bool,
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        let pull = match self.pull(release, recorder).await {
            // The login in the cluster may do for longer than the app may be broken.
            Err(error @ ClusterError::Login { .. }) if is_rollback => {
                return self.restore_without_login(release, &error, recorder).await;
            }
            pull => pull?,
        };
        let login = pull.as_ref().map(|(login, _)| login);
        let applier = Applier { rollback: is_rollback.then_some(recorder), ..self.applier(login) };
        applier.apply(release, pods).await?;
        if let Some((login, at_ms)) = pull.filter(|_| pods) {
            let event =
                Event::PullSecret { release: Box::new(release.clone()), host: login.host, at_ms };
            recorder.record(event).await;
        }
        Ok(())
    }

    /// Restores a release whose pull secret cannot be renewed: the one that there is stays.
    async fn restore_without_login(
        &self,
        release: &Release,
        error: &ClusterError,
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        let message = format!("the pull secret{} stays as it is: {error}", release.place());
        let fix = "none is needed where its login is still accepted; else mend the login: the secret is renewed by itself".into();
        recorder.record(Event::Warning { stage: Stage::Release, message, fix }).await;
        let named = PullLogin::named(pull_secret::host(release));
        let applier =
            Applier { rollback: Some(recorder), keeps_pull: true, ..self.applier(Some(&named)) };
        applier.apply(release, true).await
    }
}

#[async_trait]
impl Cluster for Kubernetes {
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError> {
        let made = match change {
            Change::Prepare(release) => self.apply(release, false, false, recorder).await,
            Change::Apply(release) => self.apply(release, true, false, recorder).await,
            Change::Restore(release) | Change::SwitchBack(release) => {
                self.apply(release, true, true, recorder).await
            }
            Change::Shift { release, from, weight } => {
                self.applier(None).shift(release, *from, *weight, recorder).await
            }
            Change::Unblock(release) => apply::unblock(&self.client, release, recorder).await,
            Change::ScaleToZero(release) => apply::scale_to_zero(&self.client, release).await,
            Change::Remove { release, data } => {
                self.applier(None).remove(release, *data, recorder).await
            }
            Change::Prune(release) => match self.named(release).await {
                Ok(pull) => self.applier(pull.as_ref()).prune(release, recorder).await,
                Err(error) => Err(error),
            },
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

    async fn migrate(
        &self,
        release: &Release,
        migration: &Migration,
        recorder: &Recorder,
    ) -> Result<JobEnd, ClusterError> {
        let pull = self.pull(release, recorder).await?.is_some();
        self.trusted(hooks::migrate(&self.client, release, migration, pull, recorder).await).await
    }

    async fn observe(
        &self,
        release: &Release,
        watching: Watching,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        Ok(observe::observe(&self.client, release, watching))
    }

    async fn evidence(&self, release: &Release, recorder: &Recorder) -> Vec<String> {
        // After a restart this run may not have obtained the login that pods could print.
        if let Err(error) = self.pull(release, recorder).await {
            tracing::debug!(%error, "the login cannot be masked");
        }
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
impl ClusterReader for Kubernetes {
    async fn check(&self, release: &Release) -> Result<(), ClusterError> {
        let mut objects = self.shown(release).await?;
        objects.extend(beside(release));
        if let Some(object) = twice(&objects) {
            let message = "`manifests` has an object of this kind and name beside the one that Windlass makes, or twice; give it another name";
            return Err(ClusterError::Rejected {
                object: object.to_string(),
                message: message.into(),
            });
        }
        if release.runtime.migrate.is_some() {
            // Only its kind counts: it is to be made, watched and stopped.
            objects.push(serde_json::json!({
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": { "name": format!("{}-migrate", release.app.name) },
            }));
        }
        let checked = async {
            let asks = release.runtime.strategy.check.is_some();
            self.client.can_make(&release.app.namespace(), &objects, asks).await?;
            // Its pods would be up beside those that serve before the first write of what leads to them is refused.
            if release.runtime.strategy.has_tracks() {
                self.applier(None).check_shared(release, &objects).await?;
            }
            Claims::of(&self.client, release).await?.check(release)
        };
        self.trusted(checked.await).await
    }

    async fn serves(&self, release: &Release) -> Result<bool, ClusterError> {
        self.trusted(apply::serves(&self.client, release).await).await
    }

    async fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError> {
        let objects = self.shown(release).await?.into_iter();
        // The pull secret holds a password.
        let shown = objects.filter(|object| object["type"] != "kubernetes.io/dockerconfigjson");
        Ok(shown.map(|object| object.to_string()).collect())
    }

    async fn changes(&self, release: &Release) -> Result<Vec<ObjectChange>, ClusterError> {
        let mut objects = self.shown(release).await?;
        Claims::of(&self.client, release).await?.set_strategies(release, &mut objects);
        self.applier(None).changes(release, &objects).await
    }
}

#[async_trait]
impl Inspect for Kubernetes {
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        self.trusted(endpoints::endpoints(&self.client, release).await).await
    }

    async fn look(&self, release: &Release) -> Result<Snapshot, ClusterError> {
        // A list leaves out what cannot be read: a cluster that is away would show nothing.
        self.trusted(self.client.check().await).await?;
        Ok(list(&self.client, release).await.snapshot())
    }

    async fn made(&self, release: &Release, data: bool) -> Result<Vec<MadeObject>, ClusterError> {
        let made = self.applier(None).made(release, data).await;
        Ok(self.trusted(made).await?.shown(release))
    }

    async fn logs(
        &self,
        app: &App,
        cluster: &str,
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        self.trusted(logs::follow(&self.client, app, cluster, request).await).await
    }

    async fn compare(
        &self,
        before: Option<&Release>,
        after: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        let before = match before {
            Some(release) => self.shown(&trackless(release)).await?,
            None => Vec::new(),
        };
        Ok(apply::compare(&before, &self.shown(&trackless(after)).await?))
    }

    async fn version(&self, _: &str) -> Result<String, ClusterError> {
        self.client.check().await
    }
}

#[async_trait]
impl WebCheck for Kubernetes {
    async fn ask(&self, release: &Release, path: &str) -> Result<WebAnswer, ClusterError> {
        self.trusted(web_check::ask(&self.client, release, path).await).await
    }
}

/// Returns a release without tracks: on another one, the same object would be shown as a new one.
fn trackless(release: &Release) -> Release {
    let mut release = release.clone();
    release.runtime.tracks.clear();
    release
}

#[async_trait]
impl Leases for Kubernetes {
    async fn acquire(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        over: Option<&str>,
        makes_namespace: bool,
    ) -> Result<Acquired, ClusterError> {
        let made = makes_namespace.then(|| namespace(release, self.pod_security.as_deref()));
        let acquired = lease::acquire(&self.client, release, holder, over, made.as_ref()).await;
        self.trusted(acquired).await
    }

    async fn renew_lease(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        version: &str,
    ) -> Result<Renewed, ClusterError> {
        self.trusted(lease::renew(&self.client, release, holder, version).await).await
    }

    async fn give_back(&self, release: &Release, holder: &LeaseHolder) -> Result<(), ClusterError> {
        self.trusted(lease::give_back(&self.client, release, holder).await).await
    }
}
