//! Guards pods of a new version while a release waits: they may fail long after they were healthy.

use super::pace::Pace;
use crate::{deploy::Deploy, failure::Cause, ports::Watching};
use futures::future::try_join_all;
use std::{convert::Infallible, future::pending, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::Release,
    runtime::{StrategyKind, Traffic},
};
use windlass_rollout::{
    judge::{Judge, Verdict},
    problem::{Debounce, Finding},
    snapshot::Snapshot,
};

/// Time for which no pod at all may be ready where requests are sent to them all the same.
const NONE_READY: Duration = Duration::from_secs(10);

/// Time for which some pods may be not ready: others answer meanwhile, so that a pod that moves to another node ends no
/// release.
pub(super) const SOME_READY: Duration = Duration::from_secs(120);

/// Pause after which a cluster that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Reasons for it that are recorded as they come, and the time between those after them.
const REASONS: (u32, Duration) = (100, Duration::from_secs(300));

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
        let mut pace = Pace::new(REASONS.0, REASONS.1, Instant::now());
        loop {
            let because = Cause::applying(self.watch_pods(release).await?, release).to_string();
            attempt = attempt.saturating_add(1);
            if because != recorded && pace.take(Instant::now()) {
                recorded.clone_from(&because);
                let after_ms = u64::try_from(AGAIN.as_millis()).unwrap_or(u64::MAX);
                self.run.record(Event::Retrying { attempt, after_ms, because }).await?;
            }
            sleep(AGAIN).await;
        }
    }

    /// Watches the pods of a release until they are not well, which is an error, or the cluster does not answer.
    async fn watch_pods(&self, release: &Release) -> Result<ClusterError, Cause> {
        let mut snapshots = match self.ports.cluster.observe(release, Watching::Guard).await {
            Ok(snapshots) => snapshots,
            Err(error) => return away(error, release),
        };
        let began = Instant::now();
        let mut judge = Judge::default();
        let mut last = Snapshot::default();
        let mut unwell = Unwell::new(release);
        loop {
            let ends = unwell.ends().map(|(end, _)| end);
            let looks = [judge.look_again().map(|at| began + at), ends];
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
            let is_well = last.is_of(&release.id) && ready >= wanted.max(1);
            let now = Instant::now();
            unwell.look(is_well, ready, now);
            if let Verdict::Failed(finding) = judge.judge(&last, release, began.elapsed())
                && unwell.is_final(&finding)
            {
                return Err(self.hopeless(finding, release).await?);
            }
            if let Some((_, patience)) = unwell.ends().filter(|(end, _)| *end <= now) {
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

/// Times since which pods of a release are not well.
struct Unwell {
    /// Requests are sent to the pods by a weight, also where none is ready. By a Service's selector they go to others.
    by_weight: bool,
    /// Since when not all are ready. `None` means that all are.
    some: Option<Instant>,
    /// Since when none is ready. `None` means that one is.
    none: Option<Instant>,
}

impl Unwell {
    fn new(release: &Release) -> Self {
        let strategy = &release.runtime.strategy;
        let by_weight =
            strategy.kind == StrategyKind::Canary && strategy.traffic != Traffic::Replicas;
        Self { by_weight, some: None, none: None }
    }

    /// Takes a look at the pods.
    fn look(&mut self, is_well: bool, ready: u32, now: Instant) {
        self.some = if is_well { None } else { self.some.or(Some(now)) };
        self.none = if is_well || ready > 0 { None } else { self.none.or(Some(now)) };
    }

    /// Returns when the patience with the pods ends, and its length. `None` means that they are well.
    fn ends(&self) -> Option<(Instant, Duration)> {
        let some = self.some.map(|since| (since + SOME_READY, SOME_READY));
        let none = self.none.filter(|_| self.by_weight);
        let none = none.map(|since| (since + NONE_READY, NONE_READY));
        some.into_iter().chain(none).min()
    }

    /// Returns whether a finding ends the release at once, though its pods were well before.
    fn is_final(&self, finding: &Finding) -> bool {
        match finding.problem.debounce {
            // The app's own end, again and again. One that runs again has ended as often as ever.
            Debounce::Times(_) => self.some.is_some(),
            // A pod that moves waits for a node and an image as any new one does.
            Debounce::Now
            | Debounce::After(_)
            | Debounce::Likely(_)
            | Debounce::Settled(_)
            | Debounce::Wait
            | Debounce::Warn => {
                let is_idle = self.none.is_some() && self.by_weight;
                self.some.is_none() || is_idle
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{runtime::Strategy, samples};

    fn unwell(kind: StrategyKind, traffic: Traffic) -> Unwell {
        let mut release = samples::release();
        release.runtime.strategy = Strategy { kind, traffic, ..Strategy::default() };
        Unwell::new(&release)
    }

    /// Returns the second at which patience ends, where so many of two pods are ready at these seconds.
    fn ends(mut unwell: Unwell, looks: &[(u64, u32)]) -> Option<u64> {
        let began = Instant::now();
        for (second, ready) in looks {
            unwell.look(*ready == 2, *ready, began + Duration::from_secs(*second));
        }
        unwell.ends().map(|(end, _)| (end - began).as_secs())
    }

    #[test]
    fn patience_ends_soon_only_where_requests_are_sent_to_no_pod() {
        let by_weight = || unwell(StrategyKind::Canary, Traffic::Gateway);
        for (looks, expected) in [
            (vec![(0, 2)], None),
            (vec![(0, 1)], Some(120)),
            (vec![(0, 1), (60, 2)], None),
            (vec![(0, 0)], Some(10)),
            // One node after the other is drained.
            (vec![(0, 1), (60, 0)], Some(70)),
            (vec![(0, 1), (60, 0), (65, 1)], Some(120)),
            (vec![(0, 1), (115, 0)], Some(120)),
        ] {
            assert_eq!(ends(by_weight(), &looks), expected, "{looks:?}");
        }
        for other in [
            unwell(StrategyKind::Canary, Traffic::Replicas),
            unwell(StrategyKind::BlueGreen, Traffic::Replicas),
        ] {
            assert_eq!(ends(other, &[(0, 0)]), Some(120));
        }
    }

    #[test]
    fn what_a_pod_that_moves_shows_ends_no_release_at_once() {
        let finding = |code: &str| Finding {
            problem: windlass_rollout::problem::KNOWN
                .iter()
                .copied()
                .find(|problem| problem.code == code)
                .unwrap(),
            subject: "pod web-1".into(),
            process: "web".into(),
            message: String::new(),
            exit: None,
        };
        let (crashes, no_room) = (finding("app-crashes"), finding("no-room-on-nodes"));
        let mut unwell = unwell(StrategyKind::Canary, Traffic::Gateway);
        for (is_well, ready, expected) in
            [(true, 2, (false, true)), (false, 1, (true, false)), (false, 0, (true, true))]
        {
            unwell.look(is_well, ready, Instant::now());
            let is_final = (unwell.is_final(&crashes), unwell.is_final(&no_room));
            assert_eq!(is_final, expected, "{ready} ready");
        }
    }
}
