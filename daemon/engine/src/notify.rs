//! End of a job: its outcome is decided, notification hooks run, and it ends.

use crate::{
    deploy::Deploy,
    failure::{Cause, Failure},
    journal::JournalLost,
    resume::Decided,
};
use std::mem;
use windlass_model::{
    event::Event,
    hook::{About, Hook, HookPhase},
    job::{Source, Stage},
    outcome::Outcome,
    plan::Cursor,
    replay::HookProgress,
};

impl Deploy<'_> {
    /// Decides the outcome, and records it if notification hooks have to run before the job ends.
    pub(crate) async fn decide(&self, outcome: Outcome) -> Result<Decided, JournalLost> {
        // The hooks and the caller of the pipeline get the outcome past the journal, which would mask it.
        let outcome = self.run.recorder().masked_outcome(outcome);
        let hooks = self.notification_hooks(&outcome);
        if !hooks.is_empty() {
            let outcome = outcome.clone();
            let hooks = hooks.clone();
            self.run.record(Event::OutcomeDecided { outcome, hooks }).await?;
        }
        Ok(Decided { outcome, hooks, next: 0, progress: HookProgress::default() })
    }

    /// Runs the notification hooks, and ends the job. Whatever comes of a hook, the outcome stands.
    pub(crate) async fn notify(&self, decided: Decided) -> Result<Outcome, JournalLost> {
        let Decided { outcome, hooks, next, mut progress } = decided;
        if let (Outcome::Succeeded(release), false) = (&outcome, hooks.is_empty()) {
            self.mask_released(&[&**release]).await?;
        }
        for (index, hook) in hooks.iter().enumerate().skip(next) {
            let cursor = Cursor::Notify(index);
            let asked = self.ask_notification(hook, &outcome, mem::take(&mut progress));
            match self.run.step(Stage::Hooks, cursor, hook.to_string(), asked).await {
                Ok(()) => {}
                Err(Failure { cause: Cause::JournalLost(lost), .. }) => return Err(lost),
                // A defect of Windlass: the outcome stands all the same.
                Err(failure) => {
                    let message = failure.to_string();
                    let fix = "please report it".into();
                    let warning = Event::Warning { stage: Stage::Hooks, message, fix };
                    self.run.record(warning).await?;
                    self.run.record(Event::StepFinished(cursor)).await?;
                }
            }
        }
        self.run.record(Event::Ended(outcome.clone())).await?;
        Ok(outcome)
    }

    fn notification_hooks(&self, outcome: &Outcome) -> Vec<Hook> {
        let job = self.job;
        let phase = match (outcome, &job.source) {
            // Hooks are about releases, and there is none.
            (_, Source::Removal(_)) => return Vec::new(),
            (Outcome::Failed(_), _) => HookPhase::AfterFailure,
            (Outcome::Succeeded(_), Source::Release(_)) => HookPhase::AfterRollback,
            // The caller that stopped the job knows of it, and a newer job notifies of itself.
            _ => return Vec::new(),
        };
        let settings = match outcome {
            Outcome::Succeeded(release) => &release.hooks,
            _ => &job.spec.hooks,
        };
        let hooks = self.ports.hooks.of(&job.app, settings).into_iter();
        hooks.filter(|hook| hook.phase == phase).collect()
    }

    async fn ask_notification(
        &self,
        hook: &Hook,
        outcome: &Outcome,
        progress: HookProgress,
    ) -> Result<(), Cause> {
        let job = self.job;
        let (release, failure) = match outcome {
            Outcome::Succeeded(release) => (Some(&**release), None),
            Outcome::Failed(diagnosis) => (None, Some((**diagnosis).clone())),
            Outcome::Removed(_) | Outcome::Contracted(_) | Outcome::Stopped { .. } => (None, None),
        };
        let commit = match &job.source {
            Source::Commit(commit) => commit.id.clone(),
            Source::Release(release) | Source::Contract(release) => release.commit.clone(),
            Source::Removal(_) => String::new(),
        };
        let about = About {
            key: format!("{}/{}", job.id, hook.name),
            job: job.id.clone(),
            app: job.app.clone(),
            commit,
            image: release.map(|release| release.image.clone()),
            failure,
        };
        match self.ask(hook, &about, release, progress).await {
            Ok((done, _)) if done.ok => self.hook_done(hook, &done).await,
            Ok((done, _)) => self.hook_warning(hook, &done.message).await,
            Err(Cause::JournalLost(lost)) => Err(lost.into()),
            Err(cause) => self.hook_warning(hook, &cause.to_string()).await,
        }
    }
}
