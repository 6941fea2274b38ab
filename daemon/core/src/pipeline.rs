//! The deploy pipeline, top to bottom: this file is the whole flow up to the plan.
//!
//! Each stage takes what the one before it made. [`Run`] adds what all stages share: events,
//! stopping, failure. Up to the plan every stage can run twice, so a restart runs them again;
//! from the plan on, a restart goes on where the journal says the last run stood.

use crate::{
    event::{Event, Outcome},
    history::Standing,
    job::{Commit, Job, Release, Source, Stage},
    plan::{Cursor, rolling},
    ports::{Ports, Tree},
    release::carry_out,
    run::{Cause, Failure, Lost, Run},
};

mod build;
mod detect;
mod secrets;
mod test;

pub use build::{reference, release};
pub use detect::{Decision, decide};

/// Deploys one job, or goes on with one. It does not fail: how the job ended is its outcome.
///
/// # Errors
/// [`Lost`] when the journal no longer takes this daemon's word: stop, touch nothing more.
pub async fn deploy(job: &Job, past: Standing, ports: &Ports, run: &Run) -> Result<Outcome, Lost> {
    if let Standing::Ended(outcome) = past {
        return Ok(outcome);
    }
    let outcome = match attempt(job, past, ports, run).await {
        Ok(release) => Outcome::Succeeded(Box::new(release)),
        Err(Failure { cause: Cause::Lost(lost), .. }) => return Err(lost),
        Err(failure) => run.voice().masked_outcome(failure.outcome()),
    };
    run.say(Event::Ended(outcome.clone())).await?;
    Ok(outcome)
}

async fn attempt(job: &Job, past: Standing, ports: &Ports, run: &Run) -> Result<Release, Failure> {
    if let Standing::Planned { plan, next, turned } = past {
        secrets::mask_released(&plan.release, ports, run).await;
        return carry_out(&plan, next, turned, ports, run).await;
    }
    let release = match (past, &job.source) {
        (Standing::Pushed(release), _) => *release,
        (_, Source::Commit(commit)) => from_commit(job, commit, ports, run).await?,
        (_, Source::Release(earlier)) => Release { id: job.id.clone(), ..(**earlier).clone() },
    };
    secrets::mask_released(&release, ports, run).await;
    let planned = async {
        let plan = rolling(&release, run.last_release(&job.app).await?.as_ref());
        run.say(Event::Planned(Box::new(plan.clone()))).await?;
        Ok::<_, Lost>(plan)
    };
    let plan = planned.await.map_err(|lost| lost.at(Stage::Release))?;
    carry_out(&plan, Cursor::Forward(0), None, ports, run).await
}

/// From a commit to an image in the registry: built once, tested as built, pushed as tested.
async fn from_commit(
    job: &Job,
    commit: &Commit,
    ports: &Ports,
    run: &Run,
) -> Result<Release, Failure> {
    let tree = run.stage(Stage::Clone, clone(job, commit, ports, run)).await?;
    let decided = run.stage(Stage::Detect, detect::detect(job, &*tree, ports, run)).await?;
    let building = build::build(job, commit, &decided, &*tree, ports, run);
    let mut build = run.stage(Stage::Build, building).await?;
    run.stage(Stage::Test, test::test(&decided, &*tree, &*build, ports, run)).await?;
    // Not retried here: the builder's own push retries, and a lost builder has lost the build.
    let image = run.stage(Stage::Push, build.push(run.voice())).await?;
    let (decision, env) = (&decided.decision, decided.env);
    let release = release(&job.id, &job.app, commit, decision, env, build.config(), image);
    let pushed = run.say(Event::Pushed(Box::new(release.clone()))).await;
    pushed.map_err(|lost| lost.at(Stage::Push))?;
    Ok(release)
}

async fn clone(
    job: &Job,
    commit: &Commit,
    ports: &Ports,
    run: &Run,
) -> Result<Box<dyn Tree>, Cause> {
    let credential = match &commit.credential {
        Some(name) => Some(secrets::open(&job.app.project, name, ports, run).await?.0),
        None => None,
    };
    let checkout = || ports.git.checkout(commit, credential.as_ref(), run.voice());
    run.retrying(checkout).await
}
