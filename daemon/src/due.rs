//! What comes later is stored, not slept: one loop over what is due.

use std::{sync::Arc, time::Duration};
use windlass_engine::{
    ports::{
        Cluster,
        store::{Store, StoreError},
    },
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    clock::now_ms,
    cluster::Targets,
    due::{Due, DueKind},
};

/// How long the loop waits at most, and at least.
const PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1));

/// Work that could not be done is tried again after this. Pull secrets are renewed long before the
/// login in them expires.
const AGAIN_MS: u64 = 60_000;

/// An app whose clusters the configuration does not name, or not any more, is looked at again after this.
const UNKNOWN_MS: u64 = 3_600_000;

/// Work that was taken and not reported as done comes again after this: its daemon was killed.
const TAKEN_MS: u64 = 600_000;

/// Pieces of work that are taken at once.
const MOST: u32 = 1000;

/// Does what is due.
pub(crate) struct DueLoop {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) targets: Arc<Targets>,
    pub(crate) cluster: Arc<dyn Cluster>,
}

impl DueLoop {
    /// Does what is due, for ever.
    pub(crate) async fn run(self) {
        loop {
            let next = match self.round().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "due work");
                    None
                }
            };
            let left =
                next.map_or(PAUSE.0, |at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms())));
            tokio::time::sleep(left.clamp(PAUSE.1, PAUSE.0)).await;
        }
    }

    /// Does what is due now, and returns when something is due next.
    async fn round(&self) -> Result<Option<u64>, StoreError> {
        let now = now_ms();
        for due in self.store.take_due(now, now + TAKEN_MS, MOST).await? {
            let next = self.work(&due).await.unwrap_or_else(|error| {
                let (kind, key) = (due.kind.as_str(), &due.key);
                tracing::warn!(kind, key, error, "due work cannot be done yet");
                Some(now_ms() + AGAIN_MS)
            });
            // A login that is already expired must not cause a busy loop.
            let next = next.map(|next| next.max(now_ms() + AGAIN_MS));
            self.store.finish_due(&due, next).await?;
        }
        self.store.next_due().await
    }

    /// Does one piece of work, and returns when it is due again.
    async fn work(&self, due: &Due) -> Result<Option<u64>, String> {
        match due.kind {
            DueKind::ForgetLogs => {
                self.store.forget_logs(&due.key).await.map_err(|error| error.to_string())?;
                tracing::info!(job = due.key, "its lines of logs are deleted");
                Ok(None)
            }
            DueKind::ForgetJob => {
                self.store.forget_job(&due.key).await.map_err(|error| error.to_string())?;
                tracing::info!(job = due.key, "the job is deleted");
                Ok(None)
            }
            DueKind::RenewPull => match due.app() {
                Some(app) => self.renew(&app).await,
                None => {
                    tracing::error!(key = due.key, "due work names no app; it is dropped");
                    Ok(None)
                }
            },
        }
    }

    /// Renews an app's pull secrets, and returns when they are due again.
    async fn renew(&self, app: &App) -> Result<Option<u64>, String> {
        let mut released = Vec::new();
        let clusters = self.targets.choose(app, &[], None).map(|clusters| clusters.names);
        for cluster in &clusters.unwrap_or_default() {
            let last = self.store.last_release(app, cluster).await;
            let last = last.map_err(|error| error.to_string())?;
            released.extend(last.map(|release| release.at(std::slice::from_ref(cluster))));
        }
        if released.is_empty() {
            let earlier = self.store.releases(app, None, 1).await;
            if !earlier.map_err(|error| error.to_string())?.is_empty() {
                tracing::warn!(%app, "the pull secret is not renewed: none of its clusters is configured");
                return Ok(Some(now_ms() + UNKNOWN_MS));
            }
            // A first release is on its way, or it never came to be.
            let unfinished = self.store.unfinished().await.map_err(|error| error.to_string())?;
            let is_on_its_way = unfinished.iter().any(|record| record.job.app == *app);
            return Ok(is_on_its_way.then(now_ms));
        }
        let recorder = Recorder::null();
        let mut renewed = Vec::new();
        for release in released {
            let next = self.cluster.renew(&release, &recorder).await;
            // One that is away does not keep the others from theirs.
            renewed.push(next.map_err(|error| format!("{error}{}", release.place())));
        }
        let renewed = renewed.into_iter().collect::<Result<Vec<_>, _>>()?;
        let next = renewed.into_iter().flatten().min();
        tracing::info!(%app, next_ms = next, "the pull secret was renewed");
        Ok(next)
    }
}

#[cfg(test)]
mod tests;
