//! Holds: a release stays as it is for a time, in which its new pods and its metrics have to be well.

use crate::{deploy::Deploy, failure::Cause};
use futures::future::{try_join, try_join_all};
use std::time::Duration;
use tokio::{sync::watch, time::Instant};
use windlass_model::{clock::end_of, event::Event, job::Release, plan::Step};

impl Deploy<'_> {
    /// Holds in all clusters of a step at once. It ends later while the job is paused. After a restart it begins again:
    /// nobody measured meanwhile.
    pub(super) async fn hold(&self, releases: &[&Release], within: Duration) -> Result<(), Cause> {
        let until_ms = end_of(within);
        self.run.record(Event::Holding { until_ms }).await?;
        let began = Instant::now();
        let (end, ended) = watch::channel(None);
        let time = async {
            self.unpaused_at(began + within).await?;
            end.send_replace(Some(Instant::now()));
            Ok::<(), Cause>(())
        };
        let measured = releases.iter().map(|release| self.measure(release, began, ended.clone()));
        let held = try_join(time, try_join_all(measured));
        tokio::select! {
            biased;
            cause = self.guard(releases) => Err(cause),
            held = held => held.map(|_| ()),
        }
    }
}

/// Returns the releases of steps that all hold, and the longest time of them. `None` means that a step does something
/// else.
pub(super) fn together(steps: &[Step]) -> Option<(Vec<&Release>, Duration)> {
    let mut releases = Vec::new();
    let mut longest = Duration::ZERO;
    for step in steps {
        let Step::Hold { release, within } = step else { return None };
        releases.push(&**release);
        longest = longest.max(*within);
    }
    Some((releases, longest))
}
