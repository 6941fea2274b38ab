//! Last step of a release: what it no longer has goes. The release serves by then, and is not rolled back for that.

use crate::{
    deploy::Deploy,
    failure::{Cause, Failure},
    journal::JournalLost,
    run::caught,
};
use futures::future::join_all;
use std::slice;
use windlass_model::{
    event::Event,
    job::{Release, Source, Stage},
    pause::Interventions,
    plan::{Cursor, Plan, Step},
    replay::HookProgress,
};

impl Deploy<'_> {
    /// Takes the last step of a release. What cannot be deleted is warned of, and left to the next release: a rollback could
    /// lead requests to pods that this step has deleted already.
    ///
    /// # Errors
    /// [`Cause::JournalLost`], or the first failure in a cluster where this step leads requests to the release.
    pub(super) async fn clean_up(&self, plan: &Plan, step: &Step) -> Result<(), Cause> {
        let cleaned = parts(step).iter().map(|step| async move {
            let work = Box::pin(self.take(step, HookProgress::default()));
            let cleaned = caught(work).await;
            (step, cleaned.unwrap_or_else(|panic| Err(Cause::Panicked(panic))))
        });
        let mut failed = None;
        for (step, cleaned) in join_all(cleaned).await {
            match cleaned {
                Ok(()) => {}
                Err(cause) if is_passed_over(&cause) && is_led(plan, step) => {
                    for release in step.releases() {
                        self.warn_of_leftover(release, &cause).await?;
                    }
                }
                Err(cause @ Cause::JournalLost(_)) => return Err(cause),
                Err(cause) => failed = failed.or(Some(cause)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Ends the last step, at this index, of a release of which a cluster gives no lease, without any deletion.
    ///
    /// # Errors
    /// [`Cause::JournalLost`] alone.
    pub(super) async fn leave_rest(
        &self,
        plan: &Plan,
        index: usize,
        cause: &Cause,
    ) -> Result<(), Failure> {
        let Some(step) = plan.forward.get(index) else { return Ok(()) };
        // The end of this run gives back what an earlier one has left.
        self.take_left_leases(&plan.release).await;
        let left = async {
            for part in parts(step) {
                match part {
                    // It asks no cluster.
                    Step::Keep { .. } => self.take(part, HookProgress::default()).await?,
                    part => {
                        for release in part.releases() {
                            self.warn_of_leftover(release, cause).await?;
                        }
                    }
                }
            }
            Ok(())
        };
        let cursor = Cursor::Forward(index);
        self.run.step(step.stage(), cursor, step.to_string(), left).await
    }

    /// Warns that what a release no longer has is there still.
    pub(super) async fn warn_of_leftover(
        &self,
        release: &Release,
        cause: &Cause,
    ) -> Result<(), JournalLost> {
        let (app, place) = (&release.app, release.place());
        let message =
            format!("what {app} no longer has{place} is not deleted, and stays beside it: {cause}");
        let fix = "mend what the message names; the app's next release deletes it".to_owned();
        self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await
    }

    /// Warns that a person asked a job to stop that was seen through all the same. Of a release the store takes no abort once
    /// its last step has begun, so that this is of the moment of its begin; or it is of a cancel.
    pub(super) async fn warn_of_late_stop(&self, plan: &Plan) -> Result<(), JournalLost> {
        let Interventions { stop, pause, .. } = self.run.interventions().await?;
        let why = match (stop.filter(|why| self.run.heeds(why)), pause) {
            (Some(why), _) => why.to_string(),
            (None, Some(pause)) => format!("paused by {}", pause.by),
            (None, None) => return Ok(()),
        };
        let (release, app) = (&plan.release, &plan.release.app);
        let has_before = || plan.releases().iter().any(|one| one.id != release.id);
        let (what, fix) = match self.job.source {
            Source::Removal(_) => ("the removal", "release the app again to have it back".into()),
            Source::Contract(_) => {
                ("the contraction", format!("look at the job: windlass show {}", self.job.id))
            }
            _ if has_before() => ("the last step", format!("windlass rollback {app}")),
            _ => ("the last step", format!("windlass remove {app}")),
        };
        let message = format!("{what} is seen through: it had begun when the job was {why}");
        self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await
    }
}

/// Returns whether nothing but a deletion is left to do at this index.
pub(super) fn is_through(plan: &Plan, index: usize) -> bool {
    plan.is_clean_up(index) && plan.forward.get(index).is_some_and(|step| is_led(plan, step))
}

/// Returns whether a failure of the last step is no reason for a rollback. A person may stop the job before that step.
pub(super) fn is_passed_over(cause: &Cause) -> bool {
    !matches!(cause, Cause::JournalLost(_) | Cause::Stopped(_))
}

/// Returns whether all requests come to a plan's release before this step, in the step's clusters. They do not where
/// nobody knows what served, or where it served on another track and nothing shifted them: there a prune leads them.
fn is_led(plan: &Plan, step: &Step) -> bool {
    let undone: Vec<_> = plan.rollback.iter().flat_map(Step::releases).collect();
    let shifted: Vec<_> = plan.forward.iter().filter(|step| step.switches()).collect();
    let is_led = |name: &String| {
        let is_in = |release: &&Release| release.clusters.contains(name);
        let mut before = undone.iter().copied().filter(is_in).peekable();
        let is_shifted = shifted.iter().flat_map(|step| step.releases()).any(|one| is_in(&one));
        let track = plan.release.track_in(name);
        before.peek().is_some() && (is_shifted || before.all(|one| one.track_in(name) == track))
    };
    step.releases().into_iter().all(|release| release.clusters.iter().all(is_led))
}

fn parts(step: &Step) -> &[Step] {
    match step {
        Step::Parallel(steps) => steps,
        step => slice::from_ref(step),
    }
}
