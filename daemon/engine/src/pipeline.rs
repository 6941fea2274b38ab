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
    queue::Need,
    resume::{Reached, Resume},
    run::Run,
    slots::Slot,
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
mod folder;
mod plan;
mod port;
mod preflight;
mod remote;
mod secrets;
mod test;
mod wall;

pub use build::{reference, release};
pub use clone::{checkout, resolve};
pub use detect::{Decision, DetectorAnswer, decide};
pub use dry_run::{DryRun, DryRunRequest, dry_run, resolve_revision};
pub use folder::{plan_folder, refused_upload};
pub use remote::{changed_paths, refs};

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
    let outcome = Deploy { job, ports, run }.outcome(from).await?;
    // A run that lost its journal is taken up again, and keeps its hosts until then.
    ports.underway.leave(&job.id);
    Ok(outcome)
}

impl Deploy<'_> {
    /// Finds the outcome, and records it.
    async fn outcome(&self, from: ResumePoint) -> Result<Outcome, JournalLost> {
        let decided = match Reached::from(from) {
            Reached::Ended(outcome) => return Ok(outcome),
            Reached::Decided(decided) => {
                if let Outcome::Succeeded(release) = &decided.outcome {
                    self.ports.underway.go_on(&self.job.id, release);
                }
                decided
            }
            Reached::Planned(plan, at) => {
                self.decide(Box::pin(self.go_on(&plan, at)).await?).await?
            }
            Reached::Unplanned(from) => self.decide(Box::pin(self.release(from)).await?).await?,
        };
        self.notify(decided).await
    }

    /// Rolls a release out: the one that the job names, or the one that it builds.
    async fn release(&self, from: ResumePoint) -> Result<Outcome, JournalLost> {
        match self.planned(from).await {
            Ok((plan, _slot)) => self.execute(&plan, Resume::default()).await,
            Err(failure) => ended(failure),
        }
    }

    /// Goes on with the plan of an earlier run.
    async fn go_on(&self, plan: &Plan, at: Resume) -> Result<Outcome, JournalLost> {
        self.ports.underway.go_on(&self.job.id, &plan.release);
        let _slot = self.run.slot_for_plan(self.release_need());
        self.execute(plan, at).await
    }

    fn release_need(&self) -> Need {
        Need::Release(self.job.clusters.names.clone())
    }

    async fn planned(&self, from: ResumePoint) -> Result<(Plan, Option<Slot>), Failure> {
        self.may_go().map_err(|error| Failure { at: Stage::Release, cause: error.into() })?;
        let release = match (from, &self.job.source) {
            (ResumePoint::Pushed(release), _) => *release,
            (_, Source::Commit(commit)) => self.image(commit).await?,
            (_, Source::Release(earlier)) => earlier.again(&self.job.id, &self.job.clusters.names),
        };
        // Before the plan, which looks at the clusters as they are then.
        let slot = self.slot(Stage::Release, self.release_need()).await?;
        Ok((self.plan(&release).await?, slot))
    }

    async fn slot(&self, at: Stage, need: Need) -> Result<Option<Slot>, Failure> {
        self.run.slot(need).await.map_err(|cause| Failure { at, cause })
    }

    /// Builds once, tests that build, and pushes it. A release that waits holds no builder's place.
    async fn image(&self, commit: &Commit) -> Result<Release, Failure> {
        let run = self.run;
        let checkout = self.slot(Stage::Clone, Need::Checkout).await?;
        let tree = run.stage(Stage::Clone, self.clone_commit(commit)).await?;
        let detection = run.stage(Stage::Detect, self.detect(commit, &*tree)).await?;
        self.preflight(commit, &detection).await?;
        // The checkout's slot is kept meanwhile: what waits to be built is a tree on the disk.
        let _building = self.slot(Stage::Build, Need::Build).await?;
        drop(checkout);
        let build = run.stage(Stage::Build, self.build(commit, &detection, &*tree)).await?;
        run.stage(Stage::Test, self.test(&detection, &*tree, &*build)).await?;
        let push = self.push(commit, &detection, &*tree, build);
        let (image, config) = run.stage(Stage::Push, push).await?;
        self.pushed(commit, detection, &config, image).await
    }
}
