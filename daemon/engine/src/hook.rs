//! Asks one hook round by round, and does the actions that it requests.
//!
//! Each batch of actions is recorded before it is begun, and each result when it is there, so that a
//! restart goes on between any two.

use crate::{deploy::Deploy, failure::Cause};
use std::time::Duration;
use tokio::time::Instant;
use windlass_model::{
    diagnosis::Diagnosis,
    event::Event,
    hook::{About, Action, ActionResult, Done, Hook, HookPhase, HookStep},
    job::{Release, Stage},
    replay::HookProgress,
};

/// Number of batches that one hook may request: more is a plugin that does not end.
const MOST_ROUNDS: u32 = 50;

/// Time limit of a hook that is a step, in one life of the daemon: an action that it began is seen through.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// Time limit of a notification hook. Short, because the app's next job waits for it.
const LONGEST_NOTIFICATION: Duration = Duration::from_secs(600);

/// Number of bytes of a command's output that a result keeps.
const OUTPUT: usize = 4 << 10;

/// Returns the end of a hook that could not do its work.
pub(crate) fn failed(message: String) -> Done {
    Done { ok: false, message, request_rollback: false }
}

impl Deploy<'_> {
    /// Asks a hook until it is done. If it failed, returns the verdict on the pod of its Job too.
    pub(crate) async fn ask(
        &self,
        hook: &Hook,
        about: &About,
        release: Option<&Release>,
        mut progress: HookProgress,
    ) -> Result<(Done, Option<Box<Diagnosis>>), Cause> {
        let began = Instant::now();
        let most = if is_step(hook) { LONGEST } else { LONGEST_NOTIFICATION };
        loop {
            if began.elapsed() > most {
                let message = format!("it took more than {} min in all", most.as_secs() / 60);
                return Ok((failed(message), None));
            }
            progress = self.act_all(hook, about, release, progress).await?;
            let earlier = progress.batch.as_ref().map(|batch| (&*batch.state, &*progress.results));
            let recorder = self.run.recorder();
            match self.ports.hooks.next(hook, about, earlier, recorder).await? {
                HookStep::Done(done) => {
                    let judged = progress.results.iter().rev().find_map(|result| match result {
                        ActionResult::Hopeless(diagnosis) => Some(diagnosis.clone()),
                        _ => None,
                    });
                    let judged = judged.filter(|_| !done.ok);
                    return Ok((done, judged));
                }
                HookStep::Run(_) if progress.count >= MOST_ROUNDS => {
                    let message =
                        format!("it asked for more than {MOST_ROUNDS} batches of actions");
                    return Ok((failed(message), None));
                }
                HookStep::Run(batch) => {
                    let event = Event::HookRequested { hook: hook.name.clone(), batch };
                    progress = progress.after(&event);
                    self.run.record(event).await?;
                }
            }
        }
    }

    /// Takes the actions of a batch that have no result yet.
    async fn act_all(
        &self,
        hook: &Hook,
        about: &About,
        release: Option<&Release>,
        mut progress: HookProgress,
    ) -> Result<HookProgress, Cause> {
        let Some(batch) = progress.batch.clone() else { return Ok(progress) };
        let from = progress.results.len();
        for (index, action) in batch.actions.iter().enumerate().skip(from) {
            let key = format!("{}/{}/{index}", about.key, progress.count);
            let result = match (action, progress.is_doing) {
                (Action::PodExec { once: true, .. }, true) => ActionResult::Failed(
                    "the daemon ended while it ran; it is not done a second time".into(),
                ),
                _ => {
                    let name = hook.name.clone();
                    let action_text = action.to_string();
                    let started = Event::HookActionStarted { hook: name, action: action_text };
                    self.run.record(started).await?;
                    self.act(hook, action, release, &key).await?
                }
            };
            let finished = Event::HookActionFinished { hook: hook.name.clone(), result };
            // The recorded form, so that a restart goes on with the same.
            let finished = cut(self.run.recorder().masked(finished));
            progress = progress.after(&finished);
            self.run.record(finished).await?;
        }
        Ok(progress)
    }

    async fn act(
        &self,
        hook: &Hook,
        action: &Action,
        release: Option<&Release>,
        key: &str,
    ) -> Result<ActionResult, Cause> {
        // An action that was begun is seen through; between two actions a job can be stopped.
        let can_stop = is_step(hook);
        if can_stop {
            self.run.unless_stopped(async { Ok::<_, Cause>(()) }).await?;
        }
        let Some(release) = release.filter(|_| hook.phase != HookPhase::AfterFailure) else {
            return match action {
                Action::Wait { ms } => self.wait(*ms, false).await,
                _ => Ok(ActionResult::Denied("there is no release of this job to act on".into())),
            };
        };
        match action {
            Action::Wait { ms } => self.wait(*ms, can_stop).await,
            Action::PodExec { .. } if hook.phase == HookPhase::BeforeTraffic => {
                Ok(ActionResult::Denied("before traffic there is no pod of the new release".into()))
            }
            action => {
                let recorder = self.run.recorder();
                let cluster = &self.ports.cluster;
                let act = || async {
                    let acted = async {
                        let acted = cluster.act(release, &hook.name, key, action, recorder).await;
                        acted.map_err(Cause::from)
                    };
                    if let Action::RunJob { .. } = action {
                        // It may wait long for its turn, and is found again by its key.
                        return self.writing(release, acted).await;
                    }
                    self.await_lease(release).await?;
                    acted.await
                };
                self.run.retrying(act).await
            }
        }
    }

    async fn wait(&self, ms: u32, can_stop: bool) -> Result<ActionResult, Cause> {
        let sleep = async {
            tokio::time::sleep(Duration::from_millis(ms.into())).await;
            Ok::<_, Cause>(ActionResult::Waited)
        };
        if can_stop { self.run.unless_stopped(sleep).await } else { sleep.await }
    }

    /// Records the message of a hook that succeeded.
    pub(crate) async fn hook_done(&self, hook: &Hook, done: &Done) -> Result<(), Cause> {
        let source = hook.name.clone();
        let line = done.message.clone();
        Ok(self.run.record(Event::Log { stage: Stage::Hooks, source, line }).await?)
    }

    /// Warns of a hook that failed and does not fail the job.
    pub(crate) async fn hook_warning(&self, hook: &Hook, message: &str) -> Result<(), Cause> {
        let message = format!("hook `{}` ({}) failed: {message}", hook.name, hook.phase);
        let fix = "the job goes on, as its policy says; see what the hook did with `windlass show --plugins`";
        let warning = Event::Warning { stage: Stage::Hooks, message, fix: fix.into() };
        Ok(self.run.record(warning).await?)
    }
}

/// Returns whether a hook is a step of a plan, which may be stopped.
fn is_step(hook: &Hook) -> bool {
    matches!(hook.phase, HookPhase::BeforeTraffic | HookPhase::AfterRelease)
}

/// Keeps the end of a command's output. This comes after masking: half of a secret would not be masked.
fn cut(event: Event) -> Event {
    match event {
        Event::HookActionFinished { hook, result: ActionResult::Exited { code, output } } => {
            let from = output.ceil_char_boundary(output.len().saturating_sub(OUTPUT));
            let output = output.get(from..).unwrap_or_default().to_owned();
            Event::HookActionFinished { hook, result: ActionResult::Exited { code, output } }
        }
        other => other,
    }
}
