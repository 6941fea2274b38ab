//! Pauses: a release takes no further step until somebody resumes it.

use crate::{deploy::Deploy, failure::Cause, slots::Slot};
use std::collections::BTreeMap;
use tokio::time::{Instant, sleep_until};
use windlass_model::{
    event::Event,
    job::Release,
    pause::{Interventions, Resume},
    plan::{Change, Step},
};

impl Deploy<'_> {
    /// Waits while the job is paused, after the steps `done`. New pods that run beside those of before have to be well
    /// meanwhile. Returns whether it was paused, and gives `slot` back if it was.
    pub(super) async fn unpaused(
        &self,
        done: &[Step],
        slot: &mut Option<Slot>,
    ) -> Result<bool, Cause> {
        let mut news = self.run.news();
        if !self.is_paused().await? {
            return Ok(false);
        }
        // Others release meanwhile.
        *slot = None;
        let beside = beside(done);
        let resumed = async {
            loop {
                news.wait().await;
                if !self.is_paused().await? {
                    return Ok::<bool, Cause>(true);
                }
            }
        };
        tokio::select! {
            biased;
            cause = self.guard(&beside) => Err(cause),
            resumed = resumed => resumed,
        }
    }

    /// Waits until a time, and longer while the job is paused.
    pub(super) async fn unpaused_at(&self, until: Instant) -> Result<(), Cause> {
        let mut news = self.run.news();
        loop {
            let is_paused = self.is_paused().await?;
            let is_time = Instant::now() >= until;
            if is_time && !is_paused {
                return Ok(());
            }
            tokio::select! {
                () = sleep_until(until), if !is_time => {}
                () = news.wait() => {}
            }
        }
    }

    /// Returns whether the job is paused now.
    async fn is_paused(&self) -> Result<bool, Cause> {
        Ok(self.heard().await?.pause.is_some())
    }

    /// Returns what people said until now, and records a pause or its end. A stop that is stored, and whose message is on its
    /// way or lost, is an error.
    pub(super) async fn heard(&self) -> Result<Interventions, Cause> {
        let interventions = self.run.interventions().await?;
        if let Some(why) = interventions.stop.clone().filter(|why| self.run.heeds(why)) {
            return Err(Cause::Stopped(why));
        }
        self.show_pause(&interventions).await?;
        Ok(interventions)
    }

    /// Records the begin of a pause that the journal does not show yet, or its end.
    async fn show_pause(&self, interventions: &Interventions) -> Result<(), Cause> {
        match (&interventions.pause, self.run.shows_pause()) {
            (Some(pause), false) => {
                let (by, note) = (pause.by.clone(), pause.note.clone());
                self.run.record(Event::Paused { by, note }).await?;
                self.run.note_pause(true);
            }
            (None, true) => {
                let nobody = || Resume { by: "somebody".into(), note: String::new() };
                let Resume { by, note } = interventions.resumed.clone().unwrap_or_else(nobody);
                self.run.record(Event::Resumed { by, note }).await?;
                self.run.note_pause(false);
            }
            (Some(_), true) | (None, false) => {}
        }
        Ok(())
    }
}

/// Returns the releases whose pods were healthy beside those of before after these steps, and have not changed since.
fn beside(done: &[Step]) -> Vec<&Release> {
    let mut up = BTreeMap::new();
    for step in done.iter().flat_map(parts) {
        match step {
            Step::AwaitHealthy { release, .. } if release.runtime.aside.is_some() => {
                up.insert(release.cluster(), &**release);
            }
            Step::Change(Change::Apply(release)) => {
                up.remove(release.cluster());
            }
            _ => {}
        }
    }
    up.into_values().collect()
}

fn parts(step: &Step) -> &[Step] {
    match step {
        Step::Parallel(steps) | Step::Sequence(steps) => steps,
        step => std::slice::from_ref(step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use windlass_model::{runtime::Track, samples};

    /// Pods that are still coming up are no reason to fail a release that is paused.
    #[test]
    fn only_pods_that_were_healthy_are_guarded() {
        let release = |percent| Box::new(samples::release().aside(Track::Plain, percent));
        let apply = |percent| Step::Change(Change::Apply(release(percent)));
        let healthy =
            |percent| Step::AwaitHealthy { release: release(percent), within: Duration::ZERO };
        let whole = Step::Change(Change::Apply(Box::new(samples::release())));
        let steps = [apply(5), healthy(5), apply(25), healthy(25), whole];
        let guarded: Vec<_> = (0..=steps.len())
            .map(|count| {
                let beside = beside(&steps[..count]);
                beside.first().and_then(|one| one.runtime.aside).map(|aside| aside.percent)
            })
            .collect();
        assert_eq!(guarded, [None, None, Some(5), None, Some(25), None]);
        let both = Step::Parallel(vec![apply(5), healthy(5)]);
        assert_eq!(beside(&[both]).len(), 1);
    }
}
