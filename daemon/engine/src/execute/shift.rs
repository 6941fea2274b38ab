//! Looks at new pods before they get requests: they may have failed in a hold, at a gate, or while no daemon ran.

use super::guard::SOME_READY;
use crate::{deploy::Deploy, failure::Cause};
use futures::future::try_join_all;
use windlass_model::{
    job::Release,
    plan::{Change, Step},
};

impl Deploy<'_> {
    /// Waits until the pods of releases are ready, each in its cluster.
    pub(super) async fn await_ready(&self, releases: &[Release]) -> Result<(), Cause> {
        let all = releases.iter().map(|release| Box::pin(self.await_healthy(release, SOME_READY)));
        try_join_all(all).await.map(|_| ())
    }
}

/// Returns the releases whose pods a step gives requests to, as they run beside those of before. Other steps have none.
pub(super) fn shared(step: &Step) -> Vec<Release> {
    match step {
        Step::Change(Change::Shift { release, from, weight }) => {
            vec![release.aside(*from, release.runtime.strategy.pods_percent(*weight))]
        }
        Step::Parallel(steps) | Step::Sequence(steps) => steps.iter().flat_map(shared).collect(),
        _ => Vec::new(),
    }
}

/// Returns whether a step ends only with pods that are healthy now.
pub(super) fn shows_pods(step: &Step) -> bool {
    match step {
        Step::AwaitHealthy { .. } => true,
        Step::Parallel(steps) => steps.iter().all(shows_pods),
        _ => false,
    }
}

/// Returns whether a step asks pods for a page, which takes some seconds.
pub(super) fn checks(step: &Step) -> bool {
    match step {
        Step::Check { .. } => true,
        Step::Parallel(steps) => steps.iter().all(checks),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use windlass_model::{
        runtime::{Aside, Track},
        samples,
    };

    #[test]
    fn pods_that_get_requests_are_looked_at_as_they_run_beside_others() {
        let release = || Box::new(samples::release());
        let shift =
            || Step::Change(Change::Shift { release: release(), from: Track::Blue, weight: 100 });
        let asides = |step: &Step| -> Vec<_> {
            shared(step).iter().filter_map(|release| release.runtime.aside).collect()
        };
        let aside = Aside { from: Track::Blue, percent: 100 };
        assert_eq!(asides(&shift()), [aside]);
        assert_eq!(asides(&Step::Parallel(vec![shift(), shift()])), [aside, aside]);
        let within = Duration::ZERO;
        for other in [
            Step::Change(Change::Apply(release())),
            Step::AwaitHealthy { release: release(), within },
            Step::Hold { release: release(), within },
        ] {
            assert!(shared(&other).is_empty(), "{other}");
        }
    }

    #[test]
    fn only_a_wait_for_healthy_pods_has_seen_them() {
        let release = || Box::new(samples::release());
        let within = Duration::ZERO;
        let healthy = || Step::AwaitHealthy { release: release(), within };
        let hold = || Step::Hold { release: release(), within };
        let check = || Step::Check { release: release() };
        assert!(shows_pods(&healthy()) && shows_pods(&Step::Parallel(vec![healthy(), healthy()])));
        assert!(!shows_pods(&hold()) && !shows_pods(&Step::Parallel(vec![healthy(), hold()])));
        assert!(checks(&check()) && !checks(&healthy()) && !checks(&hold()));
    }
}
