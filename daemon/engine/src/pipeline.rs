//! Pipeline of a deploy: its stages, top to bottom.
//!
//! Each stage takes the result of the one before it. [`Run`] adds what all stages share: events,
//! stopping, failure. Up to the plan every stage can run twice, so a restart runs the stages again; from
//! the plan on, a restart goes on where the journal shows that the last run stopped.

use crate::{
    deploy::Deploy,
    diagnose::ended,
    failure::Failure,
    journal::JournalLost,
    ports::Ports,
    resume::{Reached, Resume},
    run::Run,
};
use windlass_model::{
    job::{Commit, Job, Release, Source, Stage},
    outcome::Outcome,
    plan::Plan,
    replay::ResumePoint,
};

mod build;
mod clone;
mod detect;
mod dry_run;
mod plan;
mod port;
mod preflight;
mod secrets;
mod test;
mod wall;

pub use build::{reference, release};
pub use clone::{checkout, resolve};
pub use detect::{Decision, decide};
pub use dry_run::{DryRun, DryRunRequest, dry_run, resolve_revision};

/// Deploys one job and records its outcome. `from` is the point where an earlier run stopped. A job that
/// fails is no error: the outcome is [`Outcome::Failed`].
///
/// # Errors
/// [`JournalLost`] means that the caller touches nothing more.
pub async fn deploy(
    job: &Job,
    from: ResumePoint,
    ports: &Ports,
    run: &Run,
) -> Result<Outcome, JournalLost> {
    let deploy = Deploy { job, ports, run };
    let decided = match Reached::from(from) {
        Reached::Ended(outcome) => return Ok(outcome),
        Reached::Decided(decided) => decided,
        Reached::Planned(plan, at) => deploy.decide(deploy.execute(&plan, at).await?).await?,
        Reached::Unplanned(from) => deploy.decide(deploy.release(from).await?).await?,
    };
    deploy.notify(decided).await
}

impl Deploy<'_> {
    /// Rolls a release out: the one that the job names, or the one that it builds.
    async fn release(&self, from: ResumePoint) -> Result<Outcome, JournalLost> {
        match self.planned(from).await {
            Ok(plan) => self.execute(&plan, Resume::default()).await,
            Err(failure) => ended(failure),
        }
    }

    async fn planned(&self, from: ResumePoint) -> Result<Plan, Failure> {
        self.may_go().map_err(|error| Failure { at: Stage::Release, cause: error.into() })?;
        let release = match (from, &self.job.source) {
            (ResumePoint::Pushed(release), _) => *release,
            (_, Source::Commit(commit)) => self.image(commit).await?,
            (_, Source::Release(earlier)) => earlier.again(&self.job.id, &self.job.clusters.names),
        };
        self.plan(&release).await
    }

    /// Builds once, tests that build, and pushes it.
    async fn image(&self, commit: &Commit) -> Result<Release, Failure> {
        let run = self.run;
        let tree = run.stage(Stage::Clone, self.clone_commit(commit)).await?;
        let detection = run.stage(Stage::Detect, self.detect(commit, &*tree)).await?;
        self.preflight(commit, &detection).await?;
        let mut build = run.stage(Stage::Build, self.build(commit, &detection, &*tree)).await?;
        run.stage(Stage::Test, self.test(&detection, &*tree, &*build)).await?;
        // Not retried here: the builder's own push retries, and a lost builder has lost the build.
        let image = run.stage(Stage::Push, build.push(run.recorder())).await?;
        self.pushed(commit, detection, build.config(), image).await
    }
}
