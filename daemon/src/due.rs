//! Due work, which is stored and not slept: one loop takes it, and begins all of it side by side.

use crate::registries::ImageDeletion;
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, join_all},
    stream::FuturesUnordered,
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Notify, mpsc};
use windlass_engine::{
    ports::{
        Cluster, ClusterTargets, Leases,
        store::{Lapse, Store, StoreError},
    },
    queue::Message,
};
use windlass_model::{
    app::App,
    clock::now_ms,
    due::{Due, DueKind},
    job::Release,
};
use windlass_service::Services;
use windlass_traces::Exporter;

mod clock;
mod collect;
mod keeps;
mod kept;
mod lanes;
#[cfg(test)]
mod tests;

use clock::ClockWatch;
use lanes::{Lanes, NotRenewed};

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

/// Pieces of work that are taken and not finished. Those of a slow cluster leave room for the others.
const MOST_IN_PROGRESS: usize = 10_000;

/// The loop over due work.
#[derive(Clone)]
pub(crate) struct DueLoop {
    store: Arc<dyn Store>,
    targets: Arc<dyn ClusterTargets>,
    cluster: Arc<dyn Cluster>,
    /// Ends previews. `None` means that the ends of previews wait.
    services: Option<Services>,
    lanes: Arc<Lanes>,
    /// Leases of apps, by the name of this daemon. `None` means that no other daemon is there.
    leases: Option<(Arc<dyn Leases>, String)>,
    /// Inbox of the dispatcher.
    queue: mpsc::UnboundedSender<Message>,
    /// Held by the one piece of work that deletes something.
    forgetting: Arc<Mutex<()>>,
    /// `None` means that no traces are sent.
    traces: Option<Arc<Exporter>>,
    /// Releases of an app that are kept, distinct by what they run.
    keep_releases: usize,
    /// Deletes images of releases that are kept no more. `None` means that all images stay.
    images: Option<Arc<dyn ImageDeletion>>,
    /// Ends the pause of the loop.
    wake: Arc<Notify>,
}

/// Handle by which logins that were read again reach the apps that run.
#[derive(Clone)]
pub(crate) struct Renewals {
    store: Arc<dyn Store>,
    wake: Arc<Notify>,
}

impl Renewals {
    /// Has pull secrets looked at now: those of one project, or all. `None` means all. Without it each is looked at when
    /// it is due.
    pub(crate) async fn hasten(&self, project: Option<&str>) {
        if let Err(error) = self.store.hasten(DueKind::RenewPull, project, now_ms()).await {
            tracing::warn!(%error, "pull secrets are renewed when they are due, and not now");
        }
        self.wake.notify_one();
    }
}

/// Work that is done, with the time at which it is due again. `None` means never.
type Done = (Due, Option<u64>);

/// Work that was taken and is not finished.
#[derive(Default)]
struct InProgress {
    running: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Work that runs, each with the same work where it was taken again meanwhile: an event scheduled it.
    again: BTreeMap<(DueKind, String), Option<Due>>,
}

impl DueLoop {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        targets: Arc<dyn ClusterTargets>,
        cluster: Arc<dyn Cluster>,
        queue: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let (lanes, forgetting, wake) = (Arc::default(), Arc::default(), Arc::default());
        Self {
            store,
            targets,
            cluster,
            services: None,
            leases: None,
            lanes,
            queue,
            forgetting,
            traces: None,
            keep_releases: kept::KEPT,
            images: None,
            wake,
        }
    }

    /// Sends traces of jobs that end by this exporter. `None` means that none are sent.
    #[must_use]
    pub(crate) fn with_traces(self, traces: Option<Arc<Exporter>>) -> Self {
        Self { traces, ..self }
    }

    /// Keeps so many releases of each app, and deletes images of the others. `None` means that all images stay.
    #[must_use]
    pub(crate) fn with_releases(
        self,
        keep_releases: usize,
        images: Option<Arc<dyn ImageDeletion>>,
    ) -> Self {
        Self { keep_releases, images, ..self }
    }

    /// Returns the loop as one that works on an app only by its lease, which it has by this name of the daemon.
    #[must_use]
    pub(crate) fn with_leases(self, leases: Arc<dyn Leases>, daemon: &str) -> Self {
        Self { leases: Some((leases, daemon.to_owned())), ..self }
    }

    /// Returns the loop as one that ends previews.
    #[must_use]
    pub(crate) fn with_services(self, services: Services) -> Self {
        Self { services: Some(services), ..self }
    }

    pub(crate) fn renewals(&self) -> Renewals {
        Renewals { store: self.store.clone(), wake: self.wake.clone() }
    }

    /// Does due work, for ever.
    pub(crate) async fn run(self) {
        let mut progress = InProgress::default();
        let mut clock = ClockWatch::new(Instant::now(), now_ms());
        loop {
            if let Some(back) = clock.set_back(Instant::now(), now_ms()) {
                // What failed is tried again at a time of the other clock. What else is due comes later, and is none the
                // worse for that.
                tracing::warn!(
                    seconds = back.as_secs(),
                    "the clock was set back: pull secrets are looked at now"
                );
                self.renewals().hasten(None).await;
            }
            let next = match self.take(&mut progress).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "due work");
                    None
                }
            };
            let left =
                next.map_or(PAUSE.0, |at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms())));
            let pause = tokio::time::sleep(left.clamp(PAUSE.1, PAUSE.0));
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    () = self.wake.notified() => break,
                    Some(done) = progress.running.next() => self.finish(&mut progress, done).await,
                }
            }
        }
    }

    /// Takes the work that is due now, begins it, and returns the time of the next. `None` means that none is
    /// stored.
    async fn take(&self, progress: &mut InProgress) -> Result<Option<u64>, StoreError> {
        let room = MOST_IN_PROGRESS.saturating_sub(progress.running.len());
        let most = u32::try_from(room).unwrap_or(MOST).min(MOST);
        if most > 0 {
            let now = now_ms();
            for due in self.store.take_due(now, now + TAKEN_MS, most).await? {
                self.begin(progress, due);
            }
        }
        self.store.next_due().await
    }

    fn begin(&self, progress: &mut InProgress, due: Due) {
        match progress.again.entry((due.kind, due.key.clone())) {
            Entry::Occupied(mut running) => {
                running.insert(Some(due));
            }
            Entry::Vacant(place) => {
                place.insert(None);
                progress.running.push(self.clone().done(due).boxed());
            }
        }
    }

    /// Does a piece of work, now or when its turn comes.
    async fn done(self, due: Due) -> Done {
        let next = self.work(&due).await.unwrap_or_else(|error| {
            let (kind, key) = (due.kind.as_str(), &due.key);
            tracing::warn!(kind, key, error, "due work cannot be done yet");
            Some(now_ms() + AGAIN_MS)
        });
        // A login that is already expired must not cause a busy loop. A trace has a pause of its own.
        let least = if due.kind == DueKind::SendTrace { 0 } else { now_ms() + AGAIN_MS };
        let next = next.map(|next| next.max(least));
        (due, next)
    }

    async fn finish(&self, progress: &mut InProgress, (due, next): Done) {
        let again = progress.again.remove(&(due.kind, due.key.clone())).flatten();
        if let Some(again) = again {
            return self.begin(progress, again);
        }
        if let Err(error) = self.store.finish_due(&due, next).await {
            let (kind, key) = (due.kind.as_str(), &due.key);
            tracing::warn!(kind, key, %error, "due work is done, and will be done again");
        }
    }

    /// Does one piece of work, and returns the time at which it is due again. `None` means never.
    async fn work(&self, due: &Due) -> Result<Option<u64>, String> {
        match due.kind {
            DueKind::ForgetLogs => {
                let _turn = self.forgetting.lock().await;
                self.store.forget_logs(&due.key).await.map_err(|error| error.to_string())?;
                tracing::info!(job = due.key, "its lines of logs are deleted");
                Ok(None)
            }
            DueKind::ForgetJob => {
                let _turn = self.forgetting.lock().await;
                self.store.forget_job(&due.key).await.map_err(|error| error.to_string())?;
                tracing::info!(job = due.key, "the job is deleted");
                Ok(None)
            }
            DueKind::HoldEnds => {
                let lapse = self.store.lapse(&due.key, now_ms()).await;
                match lapse.map_err(|error| error.to_string())? {
                    Lapse::Later(until_ms) => Ok(Some(until_ms)),
                    Lapse::Over => Ok(None),
                    Lapse::Stopped => {
                        tracing::info!(job = due.key, "nobody approved it in time: it ends");
                        // Where nobody takes it any more, the next start finds the stop.
                        let _ = self.queue.send(Message::Cancelled { id: due.key.clone() });
                        Ok(None)
                    }
                }
            }
            DueKind::RenewPull => {
                let Some(app) = named(due) else { return Ok(None) };
                self.renew(&app).await
            }
            DueKind::SendTrace => match &self.traces {
                Some(traces) => {
                    let sent = traces.send(&*self.store, &due.key).await;
                    sent.map_err(|error| error.to_string())
                }
                None => Ok(None),
            },
            DueKind::PreviewEnds => {
                let Some(app) = named(due) else { return Ok(None) };
                let services = self.services.as_ref().ok_or("nobody ends previews yet")?;
                services.end_idle_preview(&app).await.map_err(|error| error.to_string())
            }
            DueKind::KeepEnds => {
                let Some(app) = named(due) else { return Ok(None) };
                self.end_keep(&app).await
            }
            DueKind::Contract => {
                let Some(app) = named(due) else { return Ok(None) };
                let services = self.services.as_ref().ok_or("nobody makes jobs yet")?;
                services.contract_due(&app).await.map_err(|error| error.to_string())
            }
            DueKind::Collect => {
                let Some(app) = named(due) else { return Ok(None) };
                self.collect(&app).await
            }
        }
    }

    /// Returns whether a release's app was removed from all its clusters since.
    async fn is_removed(&self, release: &Release) -> Result<bool, String> {
        for cluster in &release.clusters {
            let removal = self.store.removal(&release.app, cluster).await;
            let removal = removal.map_err(|error| error.to_string())?;
            if removal.is_none_or(|removal| release.id > removal) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Renews an app's pull secrets, in all its clusters side by side, and returns the time at which they are due
    /// again. `None` means never.
    async fn renew(&self, app: &App) -> Result<Option<u64>, String> {
        let mut released = Vec::new();
        let targets = self.targets.targets(&app.project).await;
        let targets = targets.map_err(|error| error.to_string())?;
        for cluster in &targets.reachable(app) {
            let last = self.store.last_release(app, cluster).await;
            let last = last.map_err(|error| error.to_string())?;
            released.extend(last.map(|release| release.at(std::slice::from_ref(cluster))));
        }
        if released.is_empty() {
            let earlier = self.store.releases(app, None, 1).await;
            let newest = earlier.map_err(|error| error.to_string())?.into_iter().next();
            if let Some((newest, _)) = newest
                && !self.is_removed(&newest).await?
            {
                tracing::warn!(%app, "the pull secret is not renewed: none of its clusters is configured");
                return Ok(Some(now_ms() + UNKNOWN_MS));
            }
            // The first release is on its way, or was never made.
            let is_on_its_way = self.store.has_unfinished(app).await;
            return Ok(is_on_its_way.map_err(|error| error.to_string())?.then(now_ms));
        }
        let renewals = released.iter().map(|release| {
            let is_own = targets.is_own(release.cluster());
            self.lanes.renew(&*self.cluster, release, is_own)
        });
        let mut times = Vec::new();
        for (release, renewed) in released.iter().zip(join_all(renewals).await) {
            match renewed {
                Ok(next) => times.extend(next),
                Err(NotRenewed::Away { until_ms }) => times.push(until_ms),
                Err(NotRenewed::Failed(error)) => {
                    let cluster = release.cluster();
                    tracing::warn!(%app, cluster, %error, "the pull secret cannot be renewed yet");
                    times.push(now_ms() + AGAIN_MS);
                }
            }
        }
        let next = times.into_iter().min();
        tracing::debug!(%app, next_ms = next, "the pull secret was looked at");
        Ok(next)
    }
}

/// Returns the app that the key of due work names. `None` means that it names none: the work is dropped.
fn named(due: &Due) -> Option<App> {
    let app = due.app();
    if app.is_none() {
        let (kind, key) = (due.kind.as_str(), &due.key);
        tracing::error!(kind, key, "due work names no app; it is dropped");
    }
    app
}
