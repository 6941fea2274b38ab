//! A pod of another version that is in the way of a rollout.

use crate::snapshot::Snapshot;
use std::time::Duration;
use windlass_model::job::Release;

/// So long it may still get ready, or be replaced by its controller.
const PATIENCE: Duration = Duration::from_secs(15);

/// Remembers since when a rollout has waited for a pod of another version.
#[derive(Default)]
pub struct Blocked {
    by: Option<(String, Duration)>,
    /// Since when it is not in the way.
    free: Option<Duration>,
    due: Option<Duration>,
}

impl Blocked {
    /// Whether that pod has to go, since nothing goes on while it is there. One that is ready for a moment
    /// in between is the same still.
    pub fn must_go(&mut self, seen: &Snapshot, release: &Release, elapsed: Duration) -> bool {
        self.due = None;
        let mut blocked = seen.workloads.iter().filter_map(|one| one.blocked.as_ref());
        let Some(pod) = blocked.next().filter(|_| seen.is_of(&release.id)) else {
            self.free = self.free.or(Some(elapsed));
            return false;
        };
        // A pod that was well for so long has its time anew.
        if self.free.take().is_some_and(|free| elapsed >= free + PATIENCE) {
            self.by = None;
        }
        let since = match &self.by {
            Some((known, since)) if known == pod => *since,
            _ => elapsed,
        };
        if elapsed >= since + PATIENCE {
            self.by = None;
            return true;
        }
        self.by = Some((pod.clone(), since));
        self.due = Some(since + PATIENCE);
        false
    }

    /// When the same snapshot would be answered otherwise.
    #[must_use]
    pub fn look_again(&self) -> Option<Duration> {
        self.due
    }
}
