//! The deploy pipeline, top to bottom: this file is the whole flow up to the plan.
//!
//! Each stage takes what the one before it made. [`Run`] adds what all stages share: events,
//! stopping, failure. Up to the plan every stage can run twice, so a restart runs them again;
//! from the plan on, a restart goes on where the journal says the last run stood.

use crate::{
    failure::{Cause, Failure},
    journal::JournalLost,
    ports::{ImageConfig, Ports},
    release::{Resumed, carry_out},
    run::Run,
};
use std::collections::BTreeMap;
use windlass_model::{
    error::ClusterError,
    event::Event,
    hook::Hook,
    job::{Commit, Image, Job, Release, Source, Stage},
    outcome::Outcome,
    plan::{Cursor, Plan, Previous, rolling},
    replay::{HookProgress, ResumePoint},
};

mod build;
mod detect;
pub(crate) mod hooks;
mod port;
mod secrets;
mod source;
mod test;

pub use build::{reference, release};
pub use detect::{Decision, decide};
pub use source::{checkout, resolve};

/// Deploys one job, or goes on with one. It does not fail: how the job ended is its outcome.
///
/// # Errors
/// [`JournalLost`] when the journal no longer takes this daemon's word: stop, touch nothing more.
pub async fn deploy(
    job: &Job,
    past: ResumePoint,
    ports: &Ports,
    run: &Run,
) -> Result<Outcome, JournalLost> {
    let (outcome, hooks, next, progress) = match past {
        ResumePoint::Ended(outcome) => return Ok(outcome),
        ResumePoint::OutcomeDecided { outcome, hooks, next, progress } => {
            if let Outcome::Succeeded(release) = &outcome {
                secrets::mask_released(release, ports, run).await;
            }
            (outcome, hooks, next, progress)
        }
        past => {
            let outcome = match attempt(job, past, ports, run).await {
                Ok(release) => Outcome::Succeeded(Box::new(release)),
                Err(Failure { cause: Cause::JournalLost(lost), .. }) => return Err(lost),
                // Not only the journal gets it: notification hooks and the caller do, too.
                Err(failure) => run.recorder().masked_outcome(failure.outcome()),
            };
            let hooks = hooks::notification_hooks(job, &outcome, ports);
            if !hooks.is_empty() {
                let outcome = outcome.clone();
                let hooks = hooks.clone();
                run.record(Event::OutcomeDecided { outcome, hooks }).await?;
            }
            (outcome, hooks, Cursor::Notify(0), HookProgress::default())
        }
    };
    let mut progress = Some(progress);
    for (index, hook) in hooks.iter().enumerate().skip(next.index()) {
        let progress = progress.take().unwrap_or_default();
        let asked = hooks::notify(hook, job, &outcome, progress, ports, run);
        match run.step(Cursor::Notify(index), hook.to_string(), asked).await {
            Err(Failure { cause: Cause::JournalLost(lost), .. }) => return Err(lost),
            // A defect of ours: the outcome stands all the same.
            Err(failure) => {
                let message = failure.to_string();
                let fix = "please report it".into();
                run.record(Event::Warning { stage: Stage::Hooks, message, fix }).await?;
                run.record(Event::StepFinished(Cursor::Notify(index))).await?;
            }
            Ok(()) => {}
        }
    }
    run.record(Event::Ended(outcome.clone())).await?;
    Ok(outcome)
}

async fn attempt(
    job: &Job,
    past: ResumePoint,
    ports: &Ports,
    run: &Run,
) -> Result<Release, Failure> {
    if let ResumePoint::Planned { plan, next, begun, rolling_back, progress } = past {
        secrets::mask_planned(&plan, ports, run).await;
        return released(&plan, Resumed { from: next, begun, rolling_back, progress }, ports, run)
            .await;
    }
    let app = &job.app;
    let clusters = &job.clusters;
    let may = ports.targets.choose(app, &clusters.names, Some(clusters.order));
    may.map_err(|error| Failure { at: Stage::Release, cause: error.into() })?;
    let release = match (past, &job.source) {
        (ResumePoint::Pushed(release), _) => *release,
        (_, Source::Commit(commit)) => from_commit(job, commit, ports, run).await?,
        (_, Source::Release(earlier)) => {
            Release { id: job.id.clone(), ..earlier.at(&job.clusters.names) }
        }
    };
    let planned = async {
        run.record(Event::Started(Stage::Release)).await?;
        let hooks = match job.source {
            Source::Commit(_) => hooks_of(&release, ports, run).await?,
            // What was deployed before was migrated before; those that look on are told.
            Source::Release(_) => Vec::new(),
        };
        let before = before(&release, ports, run).await?;
        let plan = rolling(&release, job.clusters.order, &before, &hooks);
        run.record(Event::Planned(Box::new(plan.clone()))).await?;
        Ok::<_, Cause>(plan)
    };
    let plan = planned.await.map_err(|cause| Failure { at: Stage::Release, cause })?;
    secrets::mask_planned(&plan, ports, run).await;
    released(&plan, Resumed::default(), ports, run).await
}

/// Carries a plan out, and tells where the app answers then.
async fn released(
    plan: &Plan,
    resumed: Resumed,
    ports: &Ports,
    run: &Run,
) -> Result<Release, Failure> {
    let release = carry_out(plan, resumed, ports, run).await?;
    let told = async {
        for placed in release.each() {
            // What serves is not failed for an address that cannot be had.
            let endpoints = ports.inspect.endpoints(&placed).await.unwrap_or_default();
            if !endpoints.is_empty() {
                let cluster = placed.cluster().to_owned();
                run.record(Event::Serving { cluster, endpoints }).await?;
            }
        }
        run.record(Event::Finished(Stage::Release)).await
    };
    told.await.map_err(|lost| lost.at(Stage::Release))?;
    Ok(release)
}

/// What serves in each of a release's clusters. What the journal does not know is no reason to scale it
/// to nothing if this release fails.
async fn before(
    release: &Release,
    ports: &Ports,
    run: &Run,
) -> Result<BTreeMap<String, Previous>, Cause> {
    let mut before = BTreeMap::new();
    for next in release.each() {
        let known = match run.last_release(&next.app, next.cluster()).await? {
            Some(last) => Previous::Release(Box::new(last)),
            None if serves(&next, ports, run).await? => {
                let message = format!(
                    "{} serves{} already, and the journal has no release of it",
                    next.app.name,
                    next.place()
                );
                let fix = "nothing, if it was deployed otherwise before; if this release fails, what it changed stays".into();
                run.record(Event::Warning { stage: Stage::Release, message, fix }).await?;
                Previous::Unmanaged
            }
            None => continue,
        };
        before.insert(next.cluster().to_owned(), known);
    }
    Ok(before)
}

async fn serves(next: &Release, ports: &Ports, run: &Run) -> Result<bool, Cause> {
    let asked =
        || async { ports.preview.serves(next).await.map_err(|error| Cause::applying(error, next)) };
    run.unless_stopped(run.retrying(asked)).await
}

/// The operator's hooks for a release. What the app says of a hook that there is not is no error:
/// the same repository may be deployed by another operator.
async fn hooks_of(release: &Release, ports: &Ports, run: &Run) -> Result<Vec<Hook>, JournalLost> {
    let hooks = ports.hooks.of(&release.app, &release.hooks);
    for name in release.hooks.keys() {
        if !hooks.iter().any(|hook| hook.name == *name) {
            let message =
                format!("`hooks.{name}` is said, and the operator has no such hook for this app");
            let known = hooks.iter().map(|hook| &*hook.name).collect::<Vec<_>>().join(", ");
            let fix = format!("remove it, or ask the operator for it; there are: {known}");
            run.record(Event::Warning { stage: Stage::Hooks, message, fix }).await?;
        }
    }
    Ok(hooks)
}

/// From a commit to an image in the registry: built once, tested as built, pushed as tested.
async fn from_commit(
    job: &Job,
    commit: &Commit,
    ports: &Ports,
    run: &Run,
) -> Result<Release, Failure> {
    let fetched = checkout(&job.app.project, commit, ports, run);
    let tree = run.stage(Stage::Clone, fetched).await?;
    let decided = run.stage(Stage::Detect, detect::detect(job, commit, &*tree, ports, run)).await?;
    preview(job, commit, &decided, ports, run).await?;
    let building = build::build(job, commit, &decided, &*tree, ports, run);
    let mut build = run.stage(Stage::Build, building).await?;
    run.stage(Stage::Test, test::test(&decided, &*tree, &*build, ports, run)).await?;
    // Not retried here: the builder's own push retries, and a lost builder has lost the build.
    let image = run.stage(Stage::Push, build.push(run.recorder())).await?;
    let decision = &decided.decision;
    let env = decided.env;
    let release = release(&job.id, &job.app, commit, decision, env, build.config(), image);
    let release = release.at(&job.clusters.names);
    let pushed = run.record(Event::Pushed(Box::new(release.clone()))).await;
    pushed.map_err(|lost| lost.at(Stage::Push))?;
    Ok(release)
}

/// A cluster that does not know a kind of object, or does not let us make it, says so before
/// anything is built. One that does not answer now may answer when the image is there: that is told.
async fn preview(
    job: &Job,
    commit: &Commit,
    decided: &detect::Decided,
    ports: &Ports,
    run: &Run,
) -> Result<(), Failure> {
    let image = Image {
        reference: reference(&ports.registry, &job.app, commit),
        digest: format!("sha256:{}", "0".repeat(64)),
        bytes: None,
    };
    let config = ImageConfig::default();
    let env = decided.env.clone();
    let release = release(&job.id, &job.app, commit, &decided.decision, env, &config, image);
    for release in release.at(&job.clusters.names).each() {
        match ports.preview.check(&release).await {
            Err(
                error @ (ClusterError::NoKind { .. }
                | ClusterError::Forbidden { .. }
                | ClusterError::NotTrusted { .. }
                | ClusterError::Rejected { .. }
                | ClusterError::Unknown { .. }),
            ) => {
                let cause = Cause::applying(error, &release);
                return Err(Failure { at: Stage::Release, cause });
            }
            Err(error @ ClusterError::Unreachable { .. }) => {
                let message =
                    format!("{error}{}; the image is built all the same", release.place());
                let fix = "see that the API server runs, or cancel the job".into();
                let told = run.record(Event::Warning { stage: Stage::Release, message, fix }).await;
                told.map_err(|lost| lost.at(Stage::Release))?;
            }
            _ => {}
        }
    }
    Ok(())
}
