//! Due work, which is stored and not slept: one loop takes it.

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

/// Longest and shortest pause of the loop.
const PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1));

/// Milliseconds after which failed work is tried again. Pull secrets are renewed long before the login in
/// them expires.
const AGAIN_MS: u64 = 60_000;

/// Milliseconds after which an app is looked at again whose clusters the configuration does not name.
const UNKNOWN_MS: u64 = 3_600_000;

/// Milliseconds after which work that was taken and not finished is due again: its daemon was killed.
const TAKEN_MS: u64 = 600_000;

/// Pieces of work that are taken at once.
const MOST: u32 = 1000;

/// The loop over due work.
pub(crate) struct DueLoop {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) targets: Arc<Targets>,
    pub(crate) cluster: Arc<dyn Cluster>,
}

impl DueLoop {
    /// Does due work, for ever.
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

    /// Does the work that is due now, and returns the time of the next. `None` means that none is stored.
    async fn round(&self) -> Result<Option<u64>, StoreError> {
        let now = now_ms();
        let mut unfinished = None;
        for due in self.store.take_due(now, now + TAKEN_MS, MOST).await? {
            let next = self.work(&due).await.unwrap_or_else(|error| {
                let (kind, key) = (due.kind.as_str(), &due.key);
                tracing::warn!(kind, key, error, "due work cannot be done yet");
                Some(now_ms() + AGAIN_MS)
            });
            // A login that is already expired must not cause a busy loop.
            let next = next.map(|next| next.max(now_ms() + AGAIN_MS));
            // The others are taken too: who left them here would keep them from being done for TAKEN_MS.
            if let Err(error) = self.store.finish_due(&due, next).await {
                unfinished = Some(error);
            }
        }
        match unfinished {
            Some(error) => Err(error),
            None => self.store.next_due().await,
        }
    }

    /// Does one piece of work, and returns the time at which it is due again. `None` means never.
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

    /// Renews an app's pull secrets, and returns the time at which they are due again. `None` means never.
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
            // The first release is on its way, or was never made.
            let is_on_its_way = self.store.has_unfinished(app).await;
            return Ok(is_on_its_way.map_err(|error| error.to_string())?.then(now_ms));
        }
        let recorder = Recorder::null();
        let mut renewed = Vec::new();
        for release in released {
            let next = self.cluster.renew(&release, &recorder).await;
            // A cluster that is away does not keep the others from their renewal.
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
