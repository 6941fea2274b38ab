//! The Cluster port.

use crate::{act, apply, client::Client, evidence, observe, pull, render::PullLogin};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_core::{
    event::Event,
    hook::{Action, ActionResult},
    job::Release,
    plan::Change,
    ports::{Cluster, ClusterError, Logins, Secrets},
    rollout::Snapshot,
    run::Voice,
};

/// One cluster.
pub struct Kubernetes {
    client: Client,
    secrets: Arc<dyn Secrets>,
    logins: Arc<dyn Logins>,
}

impl Kubernetes {
    /// `logins`: what becomes a pull secret in each namespace; where nobody logs in, nodes do it by
    /// themselves.
    #[must_use]
    pub fn new(client: Client, secrets: Arc<dyn Secrets>, logins: Arc<dyn Logins>) -> Self {
        Self { client, secrets, logins }
    }

    /// The login that nodes pull a release's image with, and when it is to be renewed.
    async fn pull(
        &self,
        release: &Release,
        voice: &Voice,
    ) -> Result<Option<(PullLogin, Option<u64>)>, ClusterError> {
        pull::login(&*self.logins, pull::host(release), voice).await
    }

    async fn apply(
        &self,
        release: &Release,
        pods: bool,
        voice: &Voice,
    ) -> Result<(), ClusterError> {
        let pull = self.pull(release, voice).await?;
        let login = pull.as_ref().map(|(login, _)| login);
        apply::apply(&self.client, release, &*self.secrets, login, pods).await?;
        if let Some((login, Some(at_ms))) = pull.filter(|_| pods) {
            let event =
                Event::PullSecret { release: Box::new(release.clone()), host: login.host, at_ms };
            let said = voice.say(event).await;
            said.map_err(|lost| ClusterError::Unreachable { message: lost.to_string() })?;
        }
        Ok(())
    }
}

#[async_trait]
impl Cluster for Kubernetes {
    async fn make(&self, change: &Change, voice: &Voice) -> Result<(), ClusterError> {
        match change {
            Change::Prepare(release) => self.apply(release, false, voice).await,
            Change::Apply(release) => self.apply(release, true, voice).await,
            Change::Retire(release) => apply::retire(&self.client, release).await,
        }
    }

    async fn act(
        &self,
        release: &Release,
        hook: &str,
        key: &str,
        action: &Action,
        voice: &Voice,
    ) -> Result<ActionResult, ClusterError> {
        match action {
            Action::Wait { .. } => Ok(ActionResult::Waited),
            Action::PodExec { command, timeout_ms, once } => {
                act::exec(&self.client, release, command, *timeout_ms, *once).await
            }
            Action::RunJob { command, timeout_ms } => {
                let pull = self.pull(release, voice).await?.is_some();
                act::run_job(&self.client, release, hook, key, command, *timeout_ms, pull).await
            }
        }
    }

    async fn observe(&self, release: &Release) -> Result<mpsc::Receiver<Snapshot>, ClusterError> {
        // A cluster that is away is told by its first answer, not by a watch that never speaks.
        self.client.check().await?;
        Ok(observe::observe(&self.client, release))
    }

    async fn evidence(&self, release: &Release) -> Vec<String> {
        evidence::collect(&self.client, release).await
    }

    async fn renew(&self, release: &Release, voice: &Voice) -> Result<Option<u64>, ClusterError> {
        pull::renew(&self.client, &*self.logins, release, voice).await
    }
}
