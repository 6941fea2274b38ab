//! Asks hooks round by round, and does what they want.
//!
//! Each batch of actions is journaled before it is begun and each result when it is there, so that a
//! restart goes on between any two.

use crate::{failure::Cause, ports::Ports, run::Run};
use std::time::Duration;
use tokio::time::Instant;
use windlass_model::{
    cluster,
    diagnosis::Diagnosis,
    event::Event,
    hook::{About, Action, ActionResult, Done, Hook, HookPhase, HookStep, Policy},
    job::{Job, Release, Source, Stage},
    outcome::Outcome,
    replay::HookProgress,
};

/// Batches that one hook may ask for: more is a plugin that does not end.
const MOST_ROUNDS: u32 = 50;

/// What one hook may take in all, in one life of the daemon: what it began is seen through.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// Likewise where it only looks on: the app's next job waits for it.
const LONGEST_LOOK: Duration = Duration::from_secs(600);

/// Bytes of what a command printed that are told.
const OUTPUT: usize = 4 << 10;

/// The hooks of an app at the moments at which they only look on, once its job is over.
#[must_use]
pub(crate) fn notification_hooks(job: &Job, outcome: &Outcome, ports: &Ports) -> Vec<Hook> {
    let phase = match (outcome, &job.source) {
        (Outcome::Failed(_), _) => HookPhase::AfterFailure,
        (Outcome::Succeeded(_), Source::Release(_)) => HookPhase::AfterRollback,
        // Who stopped it knows, and a newer job tells of itself.
        _ => return Vec::new(),
    };
    let said = match outcome {
        Outcome::Succeeded(release) => &release.hooks,
        _ => &job.spec.hooks,
    };
    at(ports.hooks.of(&job.app, said), phase)
}

/// Those of one moment.
#[must_use]
pub(crate) fn at(hooks: Vec<Hook>, phase: HookPhase) -> Vec<Hook> {
    hooks.into_iter().filter(|hook| hook.phase == phase).collect()
}

/// Asks a hook of a plan to its end, and answers for it as its policy says.
pub(crate) async fn step(
    hook: &Hook,
    release: &Release,
    progress: HookProgress,
    ports: &Ports,
    run: &Run,
) -> Result<(), Cause> {
    let about = About {
        // Each cluster has its own Jobs, and a plugin its own memory of each.
        key: match release.cluster() {
            cluster::DEFAULT => format!("{}/{}", release.id, hook.name),
            cluster => format!("{}/{}/{cluster}", release.id, hook.name),
        },
        job: release.id.clone(),
        app: release.app.clone(),
        commit: release.commit.clone(),
        image: Some(release.image.clone()),
        failure: None,
    };
    let (done, judged) = match rounds_of(hook, &about, Some(release), progress, ports, run).await {
        Ok(ended) => ended,
        Err(cause @ (Cause::Stopped(_) | Cause::JournalLost(_) | Cause::Panicked(_))) => {
            return Err(cause);
        }
        Err(Cause::Plugin(error)) => {
            let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            (failed(format!("{error}{hint}")), None)
        }
        // The cluster, say, will not have it: what that means is the policy's to say.
        Err(cause) => (failed(cause.to_string()), None),
    };
    if done.ok {
        return Ok(run.recorder().log_line(Stage::Hooks, &hook.name, &done.message).await?);
    }
    match hook.policy {
        Policy::Warn => warn(hook, &done.message, run).await,
        policy => Err(Cause::Hook {
            hook: hook.name.clone(),
            plugin: hook.plugin.clone(),
            phase: hook.phase,
            message: done.message,
            turn_back: policy == Policy::RollBack || done.request_rollback,
            place: release.place(),
            judged,
        }),
    }
}

fn failed(message: String) -> Done {
    Done { ok: false, message, request_rollback: false }
}

/// Asks a hook that looks on. Whatever comes of it, the job's outcome stands.
pub(crate) async fn notify(
    hook: &Hook,
    job: &Job,
    outcome: &Outcome,
    progress: HookProgress,
    ports: &Ports,
    run: &Run,
) -> Result<(), Cause> {
    let (release, failure) = match outcome {
        Outcome::Succeeded(release) => (Some(&**release), None),
        Outcome::Failed(diagnosis) => (None, Some((**diagnosis).clone())),
        Outcome::Stopped { .. } => (None, None),
    };
    let commit = match &job.source {
        Source::Commit(commit) => commit.id.clone(),
        Source::Release(release) => release.commit.clone(),
    };
    let about = About {
        key: format!("{}/{}", job.id, hook.name),
        job: job.id.clone(),
        app: job.app.clone(),
        commit,
        image: release.map(|release| release.image.clone()),
        failure,
    };
    match rounds_of(hook, &about, release, progress, ports, run).await {
        Ok((done, _)) if done.ok => {
            Ok(run.recorder().log_line(Stage::Hooks, &hook.name, &done.message).await?)
        }
        Ok((done, _)) => warn(hook, &done.message, run).await,
        Err(Cause::JournalLost(lost)) => Err(lost.into()),
        Err(cause) => warn(hook, &cause.to_string(), run).await,
    }
}

async fn warn(hook: &Hook, message: &str, run: &Run) -> Result<(), Cause> {
    let message = format!("hook `{}` ({}) failed: {message}", hook.name, hook.phase);
    let fix =
        "the job goes on, as its policy says; see what the hook did with `windlass show --plugins`"
            .into();
    Ok(run.record(Event::Warning { stage: Stage::Hooks, message, fix }).await?)
}

/// Asks a hook until it is over. Where it did not end well, the verdict on its Job's pod goes with it.
async fn rounds_of(
    hook: &Hook,
    about: &About,
    release: Option<&Release>,
    mut progress: HookProgress,
    ports: &Ports,
    run: &Run,
) -> Result<(Done, Option<Box<Diagnosis>>), Cause> {
    let began = Instant::now();
    let most = if is_step(hook) { LONGEST } else { LONGEST_LOOK };
    loop {
        if began.elapsed() > most {
            let message = format!("it took more than {} min in all", most.as_secs() / 60);
            return Ok((failed(message), None));
        }
        if let Some(batch) = progress.batch.clone() {
            let from = progress.results.len();
            for (index, action) in batch.actions.iter().enumerate().skip(from) {
                let is_again = progress.is_doing;
                let key = format!("{}/{}/{index}", about.key, progress.count);
                let result = match (action, is_again) {
                    (Action::PodExec { once: true, .. }, true) => ActionResult::Failed(
                        "the daemon ended while it ran; it is not done a second time".into(),
                    ),
                    _ => {
                        let name = hook.name.clone();
                        let words = action.to_string();
                        run.record(Event::HookActionStarted { hook: name, action: words }).await?;
                        act(hook, action, release, &key, ports, run).await?
                    }
                };
                let acted = Event::HookActionFinished { hook: hook.name.clone(), result };
                // As it is recorded, so that a restart goes on with the same.
                let acted = cut(run.recorder().masked(acted));
                progress = progress.after(&acted);
                run.record(acted).await?;
            }
        }
        let earlier = progress.batch.as_ref().map(|batch| (&*batch.state, &*progress.results));
        match ports.hooks.next(hook, about, earlier, run.recorder()).await? {
            HookStep::Done(done) => {
                let judged = progress.results.iter().rev().find_map(|result| match result {
                    ActionResult::Hopeless(diagnosis) => Some(diagnosis.clone()),
                    _ => None,
                });
                let judged = judged.filter(|_| !done.ok);
                return Ok((done, judged));
            }
            HookStep::Run(_) if progress.count >= MOST_ROUNDS => {
                let message = format!("it asked for more than {MOST_ROUNDS} batches of actions");
                return Ok((failed(message), None));
            }
            HookStep::Run(batch) => {
                let event = Event::HookRequested { hook: hook.name.clone(), batch };
                progress = progress.after(&event);
                run.record(event).await?;
            }
        }
    }
}

async fn act(
    hook: &Hook,
    action: &Action,
    release: Option<&Release>,
    key: &str,
    ports: &Ports,
    run: &Run,
) -> Result<ActionResult, Cause> {
    // What was begun is seen through; between two actions a job can be stopped.
    let can_stop = is_step(hook);
    if can_stop {
        run.unless_stopped(async { Ok::<_, Cause>(()) }).await?;
    }
    let Some(release) = release.filter(|_| hook.phase != HookPhase::AfterFailure) else {
        return match action {
            Action::Wait { ms } => wait(*ms, false, run).await,
            _ => Ok(ActionResult::Denied("there is no release of this job to act on".into())),
        };
    };
    match action {
        Action::Wait { ms } => wait(*ms, can_stop, run).await,
        Action::PodExec { .. } if hook.phase == HookPhase::BeforeTraffic => {
            Ok(ActionResult::Denied("before traffic there is no pod of the new release".into()))
        }
        action => {
            run.retrying(|| ports.cluster.act(release, &hook.name, key, action, run.recorder()))
                .await
        }
    }
}

/// Whether it is a step of a plan, which may be stopped.
fn is_step(hook: &Hook) -> bool {
    matches!(hook.phase, HookPhase::BeforeTraffic | HookPhase::AfterRelease)
}

/// The end of what a command printed. After masking: a secret's half would not be known.
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

async fn wait(ms: u32, can_stop: bool, run: &Run) -> Result<ActionResult, Cause> {
    let sleep = async {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        Ok::<_, Cause>(ActionResult::Waited)
    };
    if can_stop { run.unless_stopped(sleep).await } else { sleep.await }
}
