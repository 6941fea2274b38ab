//! Last step of a release: what earlier releases had goes. By then the release serves, so that nothing here fails it.

use crate::{deploy::Deploy, failure::Cause, journal::JournalLost, run::caught};
use futures::future::join_all;
use windlass_model::{
    event::Event,
    job::Stage,
    plan::{Change, Plan, Step},
    replay::HookProgress,
};

impl Deploy<'_> {
    /// Takes the last step of a release. What cannot be deleted is warned of, and is left to the next release: a rollback
    /// could lead requests to pods that this step has deleted already.
    ///
    /// # Errors
    /// [`Cause::JournalLost`] alone.
    pub(super) async fn clean_up(&self, step: &Step) -> Result<(), Cause> {
        let parts = match step {
            Step::Parallel(steps) => &**steps,
            step => std::slice::from_ref(step),
        };
        let cleaned = join_all(parts.iter().map(|step| async move {
            let work = Box::pin(self.take(step, HookProgress::default()));
            caught(work).await.unwrap_or_else(|panic| Err(Cause::Panicked(panic)))
        }));
        for cleaned in cleaned.await {
            match cleaned {
                Ok(()) => {}
                Err(Cause::JournalLost(lost)) => return Err(lost.into()),
                Err(cause) => self.warn_of_leftovers(&cause).await?,
            }
        }
        Ok(())
    }

    /// Warns that what earlier releases had is there still.
    pub(super) async fn warn_of_leftovers(&self, cause: &Cause) -> Result<(), JournalLost> {
        let message = format!(
            "the release serves, and not all that earlier releases had is deleted: {cause}"
        );
        let fix =
            "mend what the message names; the app's next release deletes the rest, such as by `windlass submit` again"
                .to_owned();
        self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await
    }
}

/// Returns whether the step at this index is the one after which a release is through, and only deletes.
pub(super) fn is_clean_up(plan: &Plan, index: usize) -> bool {
    let deletes = |step: &Step| matches!(step, Step::Change(Change::Prune(_)) | Step::Keep { .. });
    index + 1 == plan.forward.len()
        && plan.forward.get(index).is_some_and(|step| match step {
            Step::Parallel(steps) => steps.iter().all(deletes),
            step => deletes(step),
        })
}
