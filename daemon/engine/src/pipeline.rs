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
    approval::Hold,
    job::{Commit, Gate, Job, Release, Source, Stage},
    outcome::Outcome,
    plan::Plan,
    replay::ResumePoint,
};

mod build;
mod clone;
mod detect;
mod dry_run;
mod folder;
mod gate;
mod metrics;
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
pub use gate::digest as release_digest;
pub use remote::{changed_paths, refs};

/// End of one run of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Deployed {
    /// The job ended with this outcome.
    Ended(Outcome),
    /// The job has no outcome: it waits for an approval, and needs another run after it.
    Held(Hold),
}

/// Deploys one job and records its outcome, or that it waits for an approval. `from` is the point where an earlier run
/// stopped. A job that fails is no error: the outcome is [`Outcome::Failed`].
///
/// # Errors
/// [`JournalLost`] means that the caller touches nothing more.
pub async fn deploy(
    job: &Job,
    from: ResumePoint,
    ports: &Ports,
    run: &Run,
) -> Result<Deployed, JournalLost> {
    let deployed = Deploy { job, ports, run }.deployed(from).await?;
    // A run that lost its journal is taken up again, and keeps its hosts until then. One that waits has no plan.
    ports.underway.leave(&job.id);
    Ok(deployed)
}

/// Release with its plan, or the wait before it.
enum Planned {
    Plan(Box<Plan>, Option<Slot>),
    Held(Hold),
}

/// Release that is built, or the wait before it.
enum Built {
    Release(Box<Release>),
    Held(Hold),
}

impl Deploy<'_> {
    /// Finds the outcome, and records it.
    async fn deployed(&self, from: ResumePoint) -> Result<Deployed, JournalLost> {
        let decided = match Reached::from(from) {
            Reached::Ended(outcome) => return Ok(Deployed::Ended(outcome)),
            Reached::Decided(decided) => {
                if let Outcome::Succeeded(release) = &decided.outcome {
                    self.ports.underway.go_on(&self.job.id, release);
                }
                decided
            }
            Reached::Planned(plan, at) => {
                self.decide(Box::pin(self.go_on(&plan, at)).await?).await?
            }
            Reached::Unplanned(from) => match Box::pin(self.release(from)).await? {
                Deployed::Ended(outcome) => self.decide(outcome).await?,
                held @ Deployed::Held(_) => return Ok(held),
            },
        };
        self.notify(decided).await.map(Deployed::Ended)
    }

    /// Rolls a release out, the one that the job names or the one that it builds, or removes the app.
    async fn release(&self, from: ResumePoint) -> Result<Deployed, JournalLost> {
        let outcome = match self.planned(from).await {
            Ok(Planned::Held(hold)) => return Ok(Deployed::Held(hold)),
            Ok(Planned::Plan(plan, slot)) => self.execute(&plan, Resume::default(), slot).await?,
            Err(failure) => ended(failure)?,
        };
        Ok(Deployed::Ended(outcome))
    }

    /// Goes on with the plan of an earlier run.
    async fn go_on(&self, plan: &Plan, at: Resume) -> Result<Outcome, JournalLost> {
        self.ports.underway.go_on(&self.job.id, &plan.release);
        let slot = self.run.slot_for_plan(self.release_need());
        self.execute(plan, at, slot).await
    }

    pub(crate) fn release_need(&self) -> Need {
        Need::Release(self.job.clusters.names.clone())
    }

    async fn planned(&self, from: ResumePoint) -> Result<Planned, Failure> {
        self.may_go().await.map_err(|cause| Failure { at: Stage::Release, cause })?;
        let release = match self.built(from).await? {
            Built::Release(release) => release,
            Built::Held(hold) => return Ok(Planned::Held(hold)),
        };
        // Before the slot, which others need meanwhile, and before the plan, which is made of what serves by then.
        let digest =
            gate::digest(&release).map_err(|cause| Failure { at: Stage::Release, cause })?;
        if let Some(hold) = self.pass(Gate::Release, &digest).await? {
            return Ok(Planned::Held(hold));
        }
        // Before the plan, which looks at the clusters as they are then.
        let slot = self.slot(Stage::Release, self.release_need()).await?;
        Ok(Planned::Plan(Box::new(self.plan(&release).await?), slot))
    }

    /// Returns the release that the job names, that an earlier run pushed, or that is built now.
    async fn built(&self, from: ResumePoint) -> Result<Built, Failure> {
        Ok(Built::Release(match (from, &self.job.source) {
            (ResumePoint::Pushed(release), _) => release,
            (_, Source::Commit(commit)) => {
                if let Some(hold) = self.pass(Gate::Clone, &commit.id).await? {
                    return Ok(Built::Held(hold));
                }
                Box::new(self.image(commit).await?)
            }
            (_, Source::Release(earlier)) => {
                Box::new(earlier.again(&self.job.id, &self.job.clusters.names))
            }
            // It serves, and stays the release that it is.
            (_, Source::Contract(serving)) => Box::new(serving.at(&self.job.clusters.names)),
            (_, Source::Removal(_)) => {
                Box::new(Release::bare(&self.job.id, &self.job.app, &self.job.clusters.names))
            }
        }))
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
