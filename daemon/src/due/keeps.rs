//! Ends of the time for which the pods of a version before are kept.

use super::{AGAIN_MS, DueLoop, UNKNOWN_MS};
use futures::future::join_all;
use std::{future::pending, slice, time::Duration};
use tokio::time::{sleep, timeout};
use windlass_engine::{
    leases::{HeldLeases, NotHeld},
    ports::{Acquired, LeaseHolder, Leases},
    recorder::Recorder,
};
use windlass_model::{app::App, clock::now_ms, job::Release, plan::Change};

/// Longest time of the deletion in one cluster. A gateway may have to show first that it sends no request there.
const LONGEST: Duration = Duration::from_secs(240);

/// Pause between two looks for a job of the app that begins meanwhile.
const LOOK: Duration = Duration::from_millis(200);

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
        let elsewhere = self.keeps_elsewhere(app, &targets.reachable(app)).await?;
        let mut times: Vec<_> = elsewhere.into_iter().collect();
        if serving.is_empty() {
            return Ok(times.into_iter().min());
        }
        // Its pods may come up on the track that would be deleted, or its rollback may need it.
        let is_busy = self.store.has_unfinished(app).await;
        if is_busy.map_err(|error| error.to_string())? {
            return Ok(Some(now_ms() + AGAIN_MS));
        }
        let mut over = Vec::new();
        for release in serving {
            let until_ms = self.kept_until(&release).await?;
            if until_ms > now_ms() { times.push(until_ms) } else { over.push(release) }
        }
        let turn = self.turn(&over);
        let deleted = tokio::select! {
            deleted = join_all(over.iter().map(|release| self.prune(release, &turn))) => Some(deleted),
            // The deletion waits for gateways before it deletes, and a rollback leads requests to the kept pods at once.
            () = self.begins(app) => {
                tracing::info!(%app, "what was kept is not deleted now: a job of the app is there");
                None
            }
            holder = turn.is_lost() => {
                tracing::info!(%app, holder, "what was kept is not deleted now: its lease is lost");
                None
            }
        };
        turn.end().await;
        let Some(deleted) = deleted else { return Ok(Some(now_ms() + AGAIN_MS)) };
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

    /// Returns the time at which to look again at clusters of the newest release that the configuration does not name now.
    /// `None` means that nothing is kept in any.
    async fn keeps_elsewhere(
        &self,
        app: &App,
        reachable: &[String],
    ) -> Result<Option<u64>, String> {
        let newest = self.store.releases(app, None, 1).await;
        let newest = newest.map_err(|error| error.to_string())?.into_iter().next();
        let Some((newest, _)) = newest.filter(|(newest, _)| has_tracks(newest)) else {
            return Ok(None);
        };
        let away: Vec<_> =
            newest.clusters.iter().filter(|name| !reachable.contains(name)).cloned().collect();
        let release = newest.at(&away);
        if away.is_empty() || self.is_removed(&release).await? {
            return Ok(None);
        }
        let clusters = away.join(", ");
        tracing::warn!(%app, clusters, "what was kept stays: the configuration does not name the cluster");
        Ok(Some(now_ms() + UNKNOWN_MS))
    }

    /// Returns once a job of an app is unfinished.
    async fn begins(&self, app: &App) {
        loop {
            sleep(LOOK).await;
            if matches!(self.store.has_unfinished(app).await, Ok(true)) {
                return;
            }
        }
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

    /// Returns the turn of this work on an app, without any lease yet.
    fn turn(&self, releases: &[Release]) -> Turn<'_> {
        let first = releases.first().map_or_else(String::new, |release| release.id.clone());
        Turn(self.leases.as_ref().map(|(leases, daemon)| {
            // Another name than the job's, which is no run of this work.
            let holder = LeaseHolder::new(daemon, &format!("{first}-keep"));
            (&**leases, HeldLeases::new(holder))
        }))
    }

    async fn prune(&self, release: &Release, turn: &Turn<'_>) -> Result<(), String> {
        let change = Change::Prune(Box::new(release.clone()));
        let recorder = Recorder::null();
        let prune = async {
            let made = self.cluster.make(&change, &recorder).await;
            made.map_err(|error| error.to_string())
        };
        match timeout(LONGEST, turn.take(release, prune)).await {
            Ok(made) => made,
            Err(_) => Err(format!("no answer within {} s", LONGEST.as_secs())),
        }
    }
}

/// Turn of due work on an app, by leases. `None` needs none.
struct Turn<'a>(Option<(&'a dyn Leases, HeldLeases)>);

impl Turn<'_> {
    /// Does work in a release's cluster by the lease there. Somebody else who has it is an error.
    async fn take(
        &self,
        release: &Release,
        work: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        let Some((leases, held)) = &self.0 else { return work.await };
        let mut acquired = acquire(*leases, held, release, None).await?;
        // This work has nothing half made.
        if let Acquired::Void { version, .. } = acquired {
            acquired = acquire(*leases, held, release, Some(&version)).await?;
        }
        match acquired {
            Acquired::By { holder, .. } | Acquired::Void { holder, .. } => {
                return Err(format!("{holder} works on the app"));
            }
            Acquired::Held(_) | Acquired::NoNamespace | Acquired::Refused(_) => {}
        }
        let not_held = |why| match why {
            NotHeld::Lost(holder) => format!("{holder} works on the app"),
            NotHeld::Cluster(error) => error.to_string(),
        };
        held.writing(*leases, release.cluster(), not_held, work).await
    }

    /// Renews the leases until one is lost, and returns whoever has it.
    async fn is_lost(&self) -> String {
        match &self.0 {
            Some((leases, held)) => held.keep(*leases).await,
            None => pending().await,
        }
    }

    async fn end(&self) {
        if let Some((leases, held)) = &self.0 {
            held.give_back(*leases).await;
        }
    }
}

/// Takes the lease of a release, as [`Leases::acquire`] does, in a namespace that is there.
async fn acquire(
    leases: &dyn Leases,
    held: &HeldLeases,
    release: &Release,
    over: Option<&str>,
) -> Result<Acquired, String> {
    let acquired = held.acquire(leases, release, over, false).await;
    acquired.map_err(|error| error.to_string())
}

/// Returns whether another version may stand beside a release.
fn has_tracks(release: &Release) -> bool {
    release.runtime.strategy.has_tracks() || !release.track().is_plain()
}
