//! Ends of the time for which the pods of a version before are kept.

use super::{AGAIN_MS, DueLoop};
use futures::future::join_all;
use std::{slice, time::Duration};
use tokio::time::timeout;
use windlass_engine::recorder::Recorder;
use windlass_model::{app::App, clock::now_ms, job::Release, plan::Change};

/// Longest time of the deletion in one cluster. A gateway may have to show first that it sends no request there.
const LONGEST: Duration = Duration::from_secs(240);

impl DueLoop {
    /// Deletes what is kept beside the release that serves, in all clusters of an app side by side, and returns the time at
    /// which to look again. `None` means never.
    pub(super) async fn end_keep(&self, app: &App) -> Result<Option<u64>, String> {
        let targets = self.targets.targets(&app.project).await;
        let targets = targets.map_err(|error| error.to_string())?;
        let mut serving = Vec::new();
        for cluster in &targets.reachable(app) {
            // An app that was removed has none.
            let last = self.store.last_release(app, cluster).await;
            let last = last.map_err(|error| error.to_string())?;
            let last = last.map(|release| release.at(slice::from_ref(cluster)));
            serving.extend(last.filter(has_tracks));
        }
        if serving.is_empty() {
            return Ok(None);
        }
        // Its pods may come up on the track that would be deleted, or its rollback may need it.
        let is_busy = self.store.has_unfinished(app).await;
        if is_busy.map_err(|error| error.to_string())? {
            return Ok(Some(now_ms() + AGAIN_MS));
        }
        let mut times = Vec::new();
        let mut over = Vec::new();
        for release in serving {
            let until_ms = self.kept_until(&release).await?;
            if until_ms > now_ms() { times.push(until_ms) } else { over.push(release) }
        }
        let deleted = join_all(over.iter().map(|release| self.prune(release))).await;
        for (release, deleted) in over.iter().zip(deleted) {
            let cluster = release.cluster();
            match deleted {
                Ok(()) => {
                    tracing::info!(%app, cluster, "what was kept of the release before is deleted");
                }
                Err(error) => {
                    tracing::warn!(%app, cluster, error, "what was kept cannot be deleted yet");
                    times.push(now_ms() + AGAIN_MS);
                }
            }
        }
        Ok(times.into_iter().min())
    }

    /// Returns the time until which the version before a release is kept, in milliseconds since 1970. Of several releases
    /// the work comes at the earliest time, which may be that of a release before this one.
    async fn kept_until(&self, release: &Release) -> Result<u64, String> {
        let job = self.store.job(&release.id).await.map_err(|error| error.to_string())?;
        // A job that is forgotten ended long ago.
        let ended_ms = job.and_then(|record| record.ended_ms).unwrap_or_default();
        let kept_ms = u64::from(release.runtime.strategy.keep_seconds) * 1000;
        Ok(ended_ms.saturating_add(kept_ms))
    }

    async fn prune(&self, release: &Release) -> Result<(), String> {
        let change = Change::Prune(Box::new(release.clone()));
        let recorder = Recorder::null();
        match timeout(LONGEST, self.cluster.make(&change, &recorder)).await {
            Ok(made) => made.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} s", LONGEST.as_secs())),
        }
    }
}

/// Returns whether another version may stand beside a release.
fn has_tracks(release: &Release) -> bool {
    release.runtime.strategy.has_tracks() || !release.track().is_plain()
}
