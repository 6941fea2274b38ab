//! A pod of another version that is in the way of a rollout.

use crate::snapshot::Snapshot;
use std::time::Duration;
use windlass_model::job::Release;

/// Time in which the pod may still get ready, or be replaced by its controller.
const DEBOUNCE: Duration = Duration::from_secs(15);

/// Remembers since when a rollout has waited for a pod of another version.
#[derive(Default)]
pub struct Blocked {
    /// The pod, and since when it is in the way.
    by: Option<(String, Duration)>,
    /// Since when no pod is in the way.
    unblocked_since: Option<Duration>,
    /// Elapsed time at which the pod must go, if it stays.
    due: Option<Duration>,
}

impl Blocked {
    /// Returns whether the pod has to go, since the rollout does not go on while the pod is there. A pod that
    /// is ready for a moment in between still counts from its first moment.
    pub fn must_go(&mut self, snapshot: &Snapshot, release: &Release, elapsed: Duration) -> bool {
        self.due = None;
        let mut blocked = snapshot.workloads.iter().filter_map(|one| one.blocked.as_ref());
        let Some(pod) = blocked.next().filter(|_| snapshot.is_of(&release.id)) else {
            self.unblocked_since = self.unblocked_since.or(Some(elapsed));
            return false;
        };
        // A pod that was ready for so long has its time again.
        if self
            .unblocked_since
            .take()
            .is_some_and(|unblocked_since| elapsed >= unblocked_since + DEBOUNCE)
        {
            self.by = None;
        }
        let since = match &self.by {
            Some((known, since)) if known == pod => *since,
            _ => elapsed,
        };
        if elapsed >= since + DEBOUNCE {
            self.by = None;
            return true;
        }
        self.by = Some((pod.clone(), since));
        self.due = Some(since + DEBOUNCE);
        false
    }

    /// Returns the elapsed time at which the same snapshot would get another answer. `None` means never.
    #[must_use]
    pub fn look_again(&self) -> Option<Duration> {
        self.due
    }
}
