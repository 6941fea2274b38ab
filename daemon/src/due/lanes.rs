//! Lanes to clusters: few renewals at once in each, and a pause that doubles while a cluster is away.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use windlass_engine::{ports::Cluster, recorder::Recorder};
use windlass_model::{clock::end_of, error::ClusterError, job::Release};

/// Renewals in one cluster at once.
pub(super) const AT_ONCE: usize = 8;

/// First and longest pause before a cluster that is away is asked again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));

/// Longest time of one renewal.
const LONGEST: Duration = Duration::from_secs(60);

/// Lanes that are kept, at most, beside those that are in use or whose cluster is away.
const MOST_KEPT: usize = 1000;

/// Reason why a pull secret was not renewed.
#[derive(Debug)]
pub(super) enum NotRenewed {
    /// The cluster does not answer, and is asked again at this time (milliseconds since 1970).
    Away { until_ms: u64 },
    /// The cluster answered, or the login failed.
    Failed(ClusterError),
}

/// All lanes, by cluster: those of projects' own are `project/name`, and no name has a `/`.
#[derive(Default)]
pub(super) struct Lanes(Mutex<BTreeMap<String, Arc<Lane>>>);

struct Lane {
    slots: Semaphore,
    /// `None` means that the cluster answers.
    away: Mutex<Option<Away>>,
}

#[derive(Clone, Copy)]
struct Away {
    until: Instant,
    pause: Duration,
}

impl Lanes {
    /// Renews the pull secret of a release in its cluster, when a slot of the cluster's lane is free. A cluster
    /// that is away is not asked. `is_own` says that it is of the project's own: one that is away keeps no other
    /// project's of the same name from being asked.
    pub(super) async fn renew(
        &self,
        cluster: &dyn Cluster,
        release: &Release,
        is_own: bool,
    ) -> Result<Option<u64>, NotRenewed> {
        let own = is_own.then(|| format!("{}/{}", release.app.project, release.cluster()));
        let name = own.as_deref().unwrap_or(release.cluster());
        let lane = self.lane(name);
        // Nobody closes the semaphore.
        let _slot = lane.slots.acquire().await.ok();
        if let Some(away) = lane.away() {
            return Err(away);
        }
        let recorder = Recorder::null();
        let renewed = timeout(LONGEST, cluster.renew(release, &recorder)).await;
        let renewed = renewed.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", LONGEST.as_secs());
            Err(ClusterError::Unreachable { message })
        });
        match renewed {
            Err(error @ (ClusterError::Unreachable { .. } | ClusterError::NotTrusted { .. })) => {
                lane.fail(name, &error);
                Err(lane.away().unwrap_or(NotRenewed::Failed(error)))
            }
            renewed => {
                *lane.away.lock().unwrap_or_else(PoisonError::into_inner) = None;
                renewed.map_err(NotRenewed::Failed)
            }
        }
    }

    fn lane(&self, cluster: &str) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= MOST_KEPT && !lanes.contains_key(cluster) {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || lane.away().is_some());
        }
        let lane = || Arc::new(Lane { slots: Semaphore::new(AT_ONCE), away: Mutex::default() });
        lanes.entry(cluster.to_owned()).or_insert_with(lane).clone()
    }
}

impl Lane {
    /// Returns the time until which the cluster is not asked. `None` means that it may be asked now.
    fn away(&self) -> Option<NotRenewed> {
        let away = (*self.away.lock().unwrap_or_else(PoisonError::into_inner))?;
        let left = away.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| NotRenewed::Away { until_ms: end_of(left) })
    }

    /// Begins a pause, twice as long as the one before. Renewals that fail together are one failure.
    fn fail(&self, cluster: &str, error: &ClusterError) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let pause = match *away {
            Some(before) if now < before.until => return,
            Some(before) => (before.pause * 2).min(PAUSE.1),
            None => PAUSE.0,
        };
        *away = Some(Away { until: now + pause, pause });
        let seconds = pause.as_secs();
        tracing::warn!(cluster, %error, seconds, "its pull secrets are not renewed; it is asked again later");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(lane: &Lane) -> Option<u64> {
        let away = *lane.away.lock().unwrap();
        away.map(|away| (away.until - Instant::now()).as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_doubles_up_to_ten_minutes_and_failures_together_are_one() {
        let lanes = Lanes::default();
        let lane = lanes.lane("eu");
        let error = ClusterError::Unreachable { message: "away".into() };
        for expected in [60, 120, 240, 480, 600, 600] {
            for _ in 0..AT_ONCE {
                lane.fail("eu", &error);
            }
            assert_eq!(seconds(&lane), Some(expected));
            assert!(matches!(lane.away(), Some(NotRenewed::Away { .. })));
            tokio::time::advance(Duration::from_secs(expected)).await;
            assert!(lane.away().is_none());
        }
        assert!(lanes.lane("us").away().is_none());
    }

    /// Projects make as many clusters as they like.
    #[tokio::test]
    async fn lanes_that_nobody_uses_are_forgotten_beyond_a_number() {
        let lanes = Lanes::default();
        let used = lanes.lane("shop/used");
        let error = ClusterError::Unreachable { message: "away".into() };
        lanes.lane("shop/away").fail("shop/away", &error);
        for number in 0..2 * MOST_KEPT {
            lanes.lane(&format!("shop/c{number}"));
        }
        assert!(lanes.0.lock().unwrap().len() <= MOST_KEPT);
        assert!(Arc::ptr_eq(&used, &lanes.lane("shop/used")));
        assert!(lanes.lane("shop/away").away().is_some());
    }
}
