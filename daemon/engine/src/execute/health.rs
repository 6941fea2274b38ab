//! Waits for a rollout, and judges it as it goes.

use super::pace::Pace;
use crate::{
    deploy::Deploy,
    failure::{Cause, PullRegistry},
    journal::JournalLost,
    ports::Watching,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
    plan::Change,
};
use windlass_rollout::{
    blocked::Blocked,
    judge::{Judge, Verdict},
    problem::Finding,
    report::report,
    snapshot::Snapshot,
};

/// Time that a rollout has at least after its cluster did not answer, since the cluster's controllers have to
/// catch up.
const CATCHING_UP: Duration = Duration::from_secs(60);

/// Steps of a rollout that are recorded as they come, and the time between those after them. A cluster whose counts go
/// back and forth, or that makes them up, would fill the journal.
const STEPS: (u32, Duration) = (1000, Duration::from_secs(10));

impl Deploy<'_> {
    /// Waits until a release is healthy, hopeless, or out of time.
    pub(super) async fn await_healthy(
        &self,
        release: &Release,
        within: Duration,
    ) -> Result<(), Cause> {
        let left = Mutex::new(within);
        let judge = tokio::sync::Mutex::default();
        self.run.retrying(|| self.watch(release, within, &left, &judge)).await
    }

    /// Watches a rollout until it is healthy, hopeless, or out of time. `left` is the rest of that time. While
    /// a cluster does not answer, no time passes and nothing is judged.
    async fn watch(
        &self,
        release: &Release,
        within: Duration,
        left: &Mutex<Duration>,
        judge: &tokio::sync::Mutex<Judge>,
    ) -> Result<(), Cause> {
        let limit = *left.lock().unwrap_or_else(PoisonError::into_inner);
        let of_release = |error| Cause::applying(error, release);
        let mut snapshots =
            self.ports.cluster.observe(release, Watching::Rollout).await.map_err(of_release)?;
        let started = Instant::now();
        // A DaemonSet goes node by node, and only the cluster knows how many nodes there are: the time
        // begins again with each pod that is ready.
        let mut since = started;
        let mut most = 0;
        let unreachable = |error: ClusterError| {
            let rest = limit.saturating_sub(started.elapsed()).max(CATCHING_UP);
            *left.lock().unwrap_or_else(PoisonError::into_inner) = rest;
            Err(of_release(error))
        };
        let mut judge = judge.lock().await;
        let mut blocked = Blocked::default();
        judge.begin_again();
        let mut last = Snapshot::default();
        let mut shown = last.progress();
        let mut steps = Pace::new(STEPS.0, STEPS.1, started);
        let mut may_unblock = true;
        let finding = loop {
            // A symptom that must last is fatal even if nothing more happens: look again by then.
            let late = since + limit;
            let looks = [judge.look_again(), blocked.look_again()];
            let look = looks.into_iter().flatten().fold(late, |look, at| look.min(started + at));
            let snapshot = tokio::select! {
                snapshot = snapshots.recv() => match snapshot {
                    Some(Ok(snapshot)) => snapshot,
                    Some(Err(error)) => return unreachable(error),
                    None => return unreachable(ClusterError::Unreachable { message: "the watch ended".into() }),
                },
                () = sleep_until(look) => last.clone(),
            };
            let (ready, wanted) = snapshot.progress();
            let has_stepped = shown != (ready, wanted);
            if has_stepped && snapshot.is_of(&release.id) && steps.take(Instant::now()) {
                shown = (ready, wanted);
                let cluster = release.cluster().to_owned();
                self.run.record(Event::Rollout { cluster, ready, wanted }).await?;
            }
            if ready > most && snapshot.workloads.iter().any(|one| one.kind == "DaemonSet") {
                (since, most) = (Instant::now(), ready);
            }
            last = snapshot;
            match judge.judge(&last, release, started.elapsed()) {
                Verdict::Healthy(warned) => {
                    // Its controller has counted all pods, and they may be shown later than that.
                    if shown != (ready.max(wanted), wanted) {
                        let cluster = release.cluster().to_owned();
                        self.run
                            .record(Event::Rollout { cluster, ready: ready.max(wanted), wanted })
                            .await?;
                    }
                    for finding in warned {
                        let diagnosis = report(&finding, release, Vec::new());
                        let (subject, place) = (diagnosis.subject, release.place());
                        let message =
                            format!("{subject}{place}: {} ({})", diagnosis.what, diagnosis.why);
                        let fix = diagnosis.fixes.join("; or: ");
                        self.run
                            .record(Event::Warning { stage: Stage::Release, message, fix })
                            .await?;
                    }
                    return Ok(());
                }
                Verdict::Failed(finding) => break finding,
                Verdict::Progressing if since.elapsed() >= limit => {
                    let excused = judge.excused().cloned();
                    break excused.unwrap_or_else(|| Finding::stalled(&last, within));
                }
                Verdict::Progressing => {}
            }
            if may_unblock && blocked.must_go(&last, release, started.elapsed()) {
                match self.await_lease(release).await {
                    Ok(()) => {}
                    Err(Cause::Applying { error, .. }) => return unreachable(*error),
                    Err(cause) => return Err(cause),
                }
                match self.unblock(release).await {
                    Ok(can) => may_unblock = can,
                    Err(error) => return unreachable(error),
                }
            }
        };
        Err(self.hopeless(finding, release).await?)
    }

    /// Returns the failure of a release that is not healthy, with its evidence, which is read before anything is undone.
    pub(super) async fn hopeless(
        &self,
        finding: Finding,
        release: &Release,
    ) -> Result<Cause, JournalLost> {
        let evidence = self.ports.cluster.evidence(release, self.run.recorder()).await;
        let registry = self.registry(&finding, release).await?;
        let (finding, release) = (Box::new(finding), Box::new(release.clone()));
        Ok(Cause::Rollout { finding, release, evidence, registry })
    }

    /// Returns the facts on the registry of a release's image that nodes cannot pull.
    async fn registry(
        &self,
        finding: &Finding,
        release: &Release,
    ) -> Result<PullRegistry, JournalLost> {
        let (is_refused, is_away) =
            (finding.problem.is_refused_pull(), finding.problem.is_of_registry());
        if !is_refused && !is_away {
            return Ok(PullRegistry::default());
        }
        let (images, project, host) =
            (&self.ports.images, &*release.app.project, release.image.host());
        let renewal = images.renewal(project, host).await;
        let is_own = renewal.is_some();
        let advice = if !is_refused {
            None
        } else if is_own {
            renewal
        } else {
            let targets = self.ports.targets.targets(project).await?;
            let is_in_own_cluster = targets.is_own(release.cluster());
            if is_in_own_cluster { images.withheld(project, host).await } else { None }
        };
        Ok(PullRegistry { is_own, advice })
    }

    /// Deletes the pod that is in the way of a rollout. Returns whether that can be done. If it cannot, the
    /// rollout may go on all the same.
    async fn unblock(&self, release: &Release) -> Result<bool, ClusterError> {
        let change = Change::Unblock(Box::new(release.clone()));
        let error = match self.ports.cluster.make(&change, self.run.recorder()).await {
            Ok(()) => return Ok(true),
            Err(
                error @ (ClusterError::Unreachable { .. }
                | ClusterError::NotYet { .. }
                | ClusterError::NotTrusted { .. }),
            ) => return Err(error),
            Err(error) => error,
        };
        let message = format!("a pod of another version is in the way{}: {error}", release.place());
        let fix = "delete that pod by hand; its StatefulSet then goes on".into();
        self.run.recorder().record(Event::Warning { stage: Stage::Release, message, fix }).await;
        Ok(false)
    }
}
