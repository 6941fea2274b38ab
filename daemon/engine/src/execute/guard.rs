//! Guards pods of a new version while a release waits: they may fail long after they were healthy.

use crate::{deploy::Deploy, failure::Cause};
use futures::future::try_join_all;
use std::{convert::Infallible, future::pending, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};
use windlass_model::{error::ClusterError, event::Event, job::Release};
use windlass_rollout::{
    judge::{Judge, Verdict},
    snapshot::Snapshot,
};

/// Time for which no pod at all may be ready.
const NONE_READY: Duration = Duration::from_secs(10);

/// Time for which some pods may be not ready: those that are get the requests meanwhile, so that a pod that moves to
/// another node ends no release.
const SOME_READY: Duration = Duration::from_secs(120);

/// Pause after which a cluster that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(5);

impl Deploy<'_> {
    /// Watches the pods of releases, each in its cluster, until those of one are not well. Without any release it waits
    /// for ever.
    pub(super) async fn guard(&self, releases: &[&Release]) -> Cause {
        let guards = releases.iter().map(|release| Box::pin(self.guard_in_cluster(release)));
        match try_join_all(guards).await {
            Err(cause) => cause,
            Ok(_) => pending().await,
        }
    }

    /// A cluster that does not answer fails no release: its pods serve all the while, and the next step waits for it.
    async fn guard_in_cluster(&self, release: &Release) -> Result<Infallible, Cause> {
        let mut attempt = 1_u32;
        let mut recorded = String::new();
        loop {
            let because = Cause::applying(self.watch_pods(release).await?, release).to_string();
            attempt = attempt.saturating_add(1);
            if because != recorded {
                recorded.clone_from(&because);
                let after_ms = u64::try_from(AGAIN.as_millis()).unwrap_or(u64::MAX);
                self.run.record(Event::Retrying { attempt, after_ms, because }).await?;
            }
            sleep(AGAIN).await;
        }
    }

    /// Watches the pods of a release until they are not well, which is an error, or the cluster does not answer.
    async fn watch_pods(&self, release: &Release) -> Result<ClusterError, Cause> {
        let mut snapshots = match self.ports.cluster.observe(release).await {
            Ok(snapshots) => snapshots,
            Err(error) => return away(error, release),
        };
        let began = Instant::now();
        let mut judge = Judge::default();
        let mut last = Snapshot::default();
        let mut unready: Option<Instant> = None;
        loop {
            let looks =
                [judge.look_again().map(|at| began + at), unready.map(|at| at + patience(&last))];
            let look = looks.into_iter().flatten().min();
            last = tokio::select! {
                snapshot = snapshots.recv() => match snapshot {
                    Some(Ok(snapshot)) => snapshot,
                    Some(Err(error)) => return away(error, release),
                    None => {
                        let message = "the watch ended".to_owned();
                        return Ok(ClusterError::Unreachable { message });
                    }
                },
                () = at(look) => last,
            };
            let (ready, wanted) = last.progress();
            let is_ready = last.is_of(&release.id) && ready >= wanted.max(1);
            let patience = patience(&last);
            unready = if is_ready { None } else { unready.or_else(|| Some(Instant::now())) };
            if let Verdict::Failed(finding) = judge.judge(&last, release, began.elapsed()) {
                return Err(self.hopeless(finding, release).await?);
            }
            if unready.is_some_and(|since| since.elapsed() >= patience) {
                // A symptom says more than the number of pods.
                if let Some(finding) = judge.noticed().first().cloned() {
                    return Err(self.hopeless(finding, release).await?);
                }
                let evidence = self.ports.cluster.evidence(release, self.run.recorder()).await;
                let (release, seconds) = (Box::new(release.clone()), patience.as_secs());
                return Err(Cause::NotReadyAgain { release, ready, wanted, seconds, evidence });
            }
        }
    }
}

/// Returns the time for which fewer pods than are wanted may be ready.
fn patience(snapshot: &Snapshot) -> Duration {
    if snapshot.progress().0 > 0 { SOME_READY } else { NONE_READY }
}

/// Returns the error of a cluster that may answer again. Any other error fails the release.
fn away(error: ClusterError, release: &Release) -> Result<ClusterError, Cause> {
    match error {
        error @ (ClusterError::Unreachable { .. }
        | ClusterError::NotYet { .. }
        | ClusterError::NotTrusted { .. }) => Ok(error),
        error => Err(Cause::applying(error, release)),
    }
}

/// Waits until a time. `None` means for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
