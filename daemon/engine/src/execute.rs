//! Executes a plan: forward, and rolled back at the first failure or when the job is stopped. The last step of a release,
//! which only deletes, is no reason for a rollback.

use crate::{
    deploy::Deploy,
    diagnose::{ended, unsuccessful},
    failure::{Cause, Failure},
    journal::JournalLost,
    resume::Resume,
    slots::Slot,
};
use futures::future::{join_all, try_join_all};
use std::mem;
use windlass_model::{
    event::Event,
    job::{Release, Source, Stage},
    outcome::{Contracted, Outcome, Removed, Stop},
    plan::{Change, Cursor, Plan, Step},
    replay::{HookProgress, RollingBack},
};

mod check;
mod gate;
mod give_way;
mod guard;
mod health;
mod hold;
mod hooks;
mod keep;
mod lease;
mod leftover;
mod measure;
mod migrate;
mod pace;
mod pause;
mod shift;

use give_way::GivingWay;
use lease::Begun;

impl Deploy<'_> {
    /// Takes the steps forward, and rolls back where one fails. `slot` is given back while a release waits for a time or
    /// for people: it may wait for days.
    pub(crate) async fn execute(
        &self,
        plan: &Plan,
        resume: Resume,
        slot: Option<Slot>,
    ) -> Result<Outcome, JournalLost> {
        let outcome = tokio::select! {
            biased;
            overtaken = self.keep_leases() => Err(overtaken),
            outcome = Box::pin(self.executed(plan, resume, slot)) => outcome,
        }?;
        // A run that was lost keeps them for the job's next run.
        self.give_leases_back().await;
        Ok(outcome)
    }

    async fn executed(
        &self,
        plan: &Plan,
        resume: Resume,
        mut slot: Option<Slot>,
    ) -> Result<Outcome, JournalLost> {
        // Earlier releases run again on a rollback: their secrets are masked too.
        self.mask_released(&plan.releases()).await?;
        let (outcome, begun, from, by) = match (resume.at, resume.rolling_back) {
            (Cursor::Rollback(index), Some(RollingBack { outcome, begun })) => {
                (outcome, begun, index, Begun::ByEarlierRun)
            }
            (at, _) => {
                match self.forward(plan, at.index(), resume.begun, resume.progress, &mut slot).await
                {
                    Ok(()) => {
                        self.warn_of_late_stop(plan).await?;
                        return self.reached(&plan.release).await;
                    }
                    Err(Interrupted { failure, begun, is_overtaken }) => {
                        // What is removed cannot come back, and what serves is not touched by a contraction.
                        let is_one_way = self.removes() || self.contracts();
                        // The last step may have deleted the pods that a rollback would lead requests to.
                        let is_through =
                            begun.checked_sub(1).is_some_and(|at| plan.is_clean_up(at));
                        let stays = failure.stays() || is_one_way || is_overtaken || is_through;
                        let outcome = ended(failure)?;
                        if stays {
                            if is_through && !is_overtaken {
                                self.warn_of_late_stop(plan).await?;
                            }
                            return Ok(outcome);
                        }
                        self.run.record(Event::RollingBack(outcome.clone())).await?;
                        (outcome, begun, 0, Begun::ByThisRun)
                    }
                }
            }
        };
        self.take_slot(&mut slot);
        let back = plan.rollback_from(begun);
        let Err(failure) = self.roll_back(&plan.release, &back, from, by).await else {
            return Ok(outcome);
        };
        if let Cause::JournalLost(lost) = failure.cause {
            return Err(lost);
        }
        let at = outcome.stage();
        let first = Box::new(unsuccessful(outcome));
        ended(Failure { at, cause: Cause::Stuck { first, rollback: Box::new(failure.cause) } })
    }

    /// Takes the steps from index `from`, each unless the job is paused. `begun` means that an earlier run began the
    /// first of these steps; `progress` is that step's.
    async fn forward(
        &self,
        plan: &Plan,
        from: usize,
        begun: bool,
        mut progress: HookProgress,
        slot: &mut Option<Slot>,
    ) -> Result<(), Interrupted> {
        // Pods that were seen to be healthy just now are not looked at again before they get requests.
        let mut are_seen = false;
        let taken = from + usize::from(begun);
        let mut giving_way = GivingWay::begin(self.run, plan, taken);
        match self.take_leases_first(plan, from, taken, slot).await {
            // The release is through but for what it deletes.
            Err(Interrupted { failure, is_overtaken: false, .. })
                if leftover::is_through(plan, from) && leftover::is_passed_over(&failure.cause) =>
            {
                if !begun {
                    let done = plan.forward.get(..from).unwrap_or_default();
                    let ready = self.run.unless_stopped(self.unpaused(done, slot)).await;
                    let failed = |cause| Failure { at: Stage::Release, cause };
                    ready.map_err(|cause| Interrupted::at(failed(cause), from))?;
                }
                let left = self.leave_rest(plan, from, &failure.cause).await;
                return left.map_err(|failure| Interrupted::at(failure, from + 1));
            }
            leased => leased?,
        }
        for (index, step) in plan.forward.iter().enumerate().skip(from) {
            // A step that is not begun leaves nothing to put back.
            let is_begun = begun && index == from;
            let begun = index + usize::from(is_begun);
            let interrupted = |cause| Interrupted::at(Failure { at: step.stage(), cause }, begun);
            // A removal that has begun is seen through: half an app is no app.
            // Nor is a part of a migration left to itself that an earlier run began: it may change the data still. Nor is
            // the last step: a rollback may find no pods any more that it could lead requests to.
            let is_last = index + 1 == plan.forward.len();
            let is_seen_through = is_begun && (is_last || matches!(step, Step::Migrate { .. }));
            if !is_seen_through && (begun == 0 || !self.removes()) {
                let done = plan.forward.get(..index).unwrap_or_default();
                loop {
                    // A renewal may take its time, and what people say meanwhile counts. After a pause of days it is renewed
                    // again.
                    self.await_leases().await.map_err(interrupted)?;
                    let ready = async {
                        // What an earlier run began is ended first.
                        if is_begun { Ok(false) } else { self.unpaused(done, slot).await }
                    };
                    if !self.run.unless_stopped(ready).await.map_err(interrupted)? {
                        break;
                    }
                    are_seen = false;
                }
            } else {
                self.await_leases().await.map_err(interrupted)?;
            }
            if giving_way.ends_at(index) {
                giving_way.end();
                // A newer job may have come just before.
                let stopped = self.run.unless_stopped(async { Ok::<_, Cause>(()) }).await;
                stopped.map_err(interrupted)?;
                self.run.note_switch();
            }
            let progress = mem::take(&mut progress);
            let pods = if are_seen { Vec::new() } else { shift::shared(step) };
            let work = async {
                if step.is_wait() {
                    self.run.unless_stopped(self.take(step, progress)).await
                } else {
                    // A write that was begun heeds no stop.
                    if !pods.is_empty() {
                        self.run.unless_stopped(self.await_ready(&pods)).await?;
                    }
                    if plan.is_clean_up(index) {
                        return self.clean_up(plan, step).await;
                    }
                    self.take(step, progress).await
                }
            };
            if rests(step) {
                *slot = None;
            } else {
                self.take_slot(slot);
            }
            let cursor = Cursor::Forward(index);
            let taken = self.run.step(step.stage(), cursor, step.to_string(), work).await;
            taken.map_err(|failure| Interrupted::at(failure, index + 1))?;
            are_seen = shift::shows_pods(step) || are_seen && shift::checks(step);
        }
        Ok(())
    }

    /// Takes the leases before the step at index `from`, with the first `begun` steps taken or begun.
    async fn take_leases_first(
        &self,
        plan: &Plan,
        from: usize,
        begun: usize,
        slot: &mut Option<Slot>,
    ) -> Result<(), Interrupted> {
        // An earlier run took all steps: what somebody else did since does not undo that.
        if from >= plan.forward.len() {
            self.take_left_leases(&plan.release).await;
            return Ok(());
        }
        let by = if begun > 0 { Begun::ByEarlierRun } else { Begun::Nothing };
        let taking = Box::pin(self.take_leases(&plan.release, by, slot));
        let first = plan.forward.get(from).filter(|_| begun > from);
        let migrates = matches!(first, Some(Step::Migrate { .. }));
        let is_last = begun == plan.forward.len();
        // What is half removed or half migrated, and what is all but through, is not stopped while a cluster does not
        // answer, either.
        let taken = if begun > 0 && (self.removes() || migrates || is_last) {
            taking.await
        } else {
            self.run.unless_stopped(taking).await
        };
        let failed = |cause, is_overtaken| {
            let at = plan.forward.get(from).map_or(Stage::Release, Step::stage);
            Interrupted { failure: Failure { at, cause }, begun, is_overtaken }
        };
        match taken {
            // What is half made is void by then: neither its next step nor its rollback is of what is there now.
            Ok(Some(by)) if begun > 0 => Err(failed(Cause::Stopped(Stop::Superseded { by }), true)),
            Ok(_) => Ok(()),
            Err(cause) => {
                if begun == 0 {
                    self.take_left_leases(&plan.release).await;
                }
                Err(failed(cause, false))
            }
        }
    }

    /// Takes the slot of a release again that was given back for a wait: what is half made waits for nobody.
    fn take_slot(&self, slot: &mut Option<Slot>) {
        if slot.is_none() {
            *slot = self.run.slot_for_plan(self.release_need());
        }
    }

    async fn roll_back(
        &self,
        release: &Release,
        steps: &[Step],
        from: usize,
        begun: Begun,
    ) -> Result<(), Failure> {
        let failed = |cause| Failure { at: Stage::Release, cause };
        if from >= steps.len() {
            self.take_left_leases(release).await;
        } else {
            let taken = Box::pin(self.take_leases(release, begun, &mut None)).await;
            if let Some(holder) = taken.map_err(failed)? {
                let warned = self.warn_of_other(&holder).await;
                return warned.map_err(|lost| failed(lost.into()));
            }
        }
        for (index, step) in steps.iter().enumerate().skip(from) {
            self.await_leases().await.map_err(failed)?;
            let work = self.take(step, HookProgress::default());
            self.run.step(Stage::Release, Cursor::Rollback(index), step.to_string(), work).await?;
        }
        Ok(())
    }

    /// Takes one step. A failure that may pass (an API server that restarts) is waited out; any other is
    /// returned at once.
    async fn take(&self, step: &Step, progress: HookProgress) -> Result<(), Cause> {
        match step {
            Step::Hook { hook, release } => self.ask_hook(hook, release, progress).await,
            Step::Migrate { release, phase } => Box::pin(self.migrate(release, *phase)).await,
            Step::Change(change) => self.make(change).await,
            Step::AwaitHealthy { release, within } => self.await_healthy(release, *within).await,
            Step::Check { release } => self.check_web(release).await,
            Step::Hold { release, within } => Box::pin(self.hold(&[&**release], *within)).await,
            Step::Gate { release, weight, within } => {
                Box::pin(self.await_approval(release, *weight, *within)).await
            }
            Step::Keep { release, within } => self.keep(release, *within).await,
            Step::Parallel(steps) => {
                if let Some((releases, within)) = hold::together(steps) {
                    return Box::pin(self.hold(&releases, within)).await;
                }
                let all =
                    steps.iter().map(|step| Box::pin(self.take(step, HookProgress::default())));
                // For waits the first verdict is enough; a write that was begun is seen through.
                if step.is_wait() {
                    return try_join_all(all).await.map(|_| ());
                }
                let mut failed = join_all(all).await.into_iter().filter_map(Result::err);
                let Some(first) = failed.next() else { return Ok(()) };
                for other in failed {
                    let fix =
                        "look at that cluster too; the job ends with the first that failed".into();
                    let message = other.to_string();
                    self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await?;
                }
                Err(first)
            }
            Step::Sequence(steps) => {
                for step in steps {
                    Box::pin(self.take(step, HookProgress::default())).await?;
                }
                Ok(())
            }
        }
    }

    async fn make(&self, change: &Change) -> Result<(), Cause> {
        let make = || async {
            let made = async {
                let made = self.ports.cluster.make(change, self.run.recorder()).await;
                made.map_err(|error| Cause::applying(error, change.release()))
            };
            self.writing(change.release(), made).await
        };
        match self.run.retrying(make).await {
            // Also in a rollback: what it puts back serves beside it.
            Err(cause) if cause.is_refused_deletion() => {
                Ok(self.warn_of_leftover(change.release(), &cause).await?)
            }
            made => made,
        }
    }

    /// Returns whether the job removes its app.
    fn removes(&self) -> bool {
        matches!(self.job.source, Source::Removal(_))
    }

    /// Returns whether the job takes out of the data what only earlier releases work with.
    fn contracts(&self) -> bool {
        matches!(self.job.source, Source::Contract(_))
    }

    /// Ends a plan that was carried out.
    async fn reached(&self, release: &Release) -> Result<Outcome, JournalLost> {
        if self.removes() {
            self.removed(release).await
        } else if self.contracts() {
            self.contracted(release).await
        } else {
            self.serving(release).await
        }
    }

    /// Ends a contraction.
    async fn contracted(&self, release: &Release) -> Result<Outcome, JournalLost> {
        self.run.record(Event::Finished(Stage::Release)).await?;
        let Release { id, app, clusters, .. } = release.clone();
        Ok(Outcome::Contracted(Contracted { release: id, app, clusters }))
    }

    /// Ends a removal.
    async fn removed(&self, bare: &Release) -> Result<Outcome, JournalLost> {
        self.run.record(Event::Finished(Stage::Release)).await?;
        let (app, clusters) = (bare.app.clone(), bare.clusters.clone());
        Ok(Outcome::Removed(Removed { job: self.job.id.clone(), app, clusters }))
    }

    /// Records the addresses at which the app answers now.
    async fn serving(&self, release: &Release) -> Result<Outcome, JournalLost> {
        for placed in release.each() {
            // A release that serves is not failed for an address that cannot be read.
            let endpoints = self.ports.inspect.endpoints(&placed).await.unwrap_or_default();
            if !endpoints.is_empty() {
                let cluster = placed.cluster().to_owned();
                self.run.record(Event::Serving { cluster, endpoints }).await?;
            }
        }
        self.run.record(Event::Finished(Stage::Release)).await?;
        Ok(Outcome::Succeeded(Box::new(release.clone())))
    }
}

/// Returns whether a step waits for a time or for people, and neither for the cluster.
fn rests(step: &Step) -> bool {
    match step {
        Step::Hold { .. } | Step::Gate { .. } => true,
        Step::Parallel(steps) => steps.iter().all(rests),
        _ => false,
    }
}

/// Failure on the way forward, with the number of steps that were begun by then.
struct Interrupted {
    failure: Failure,
    begun: usize,
    /// Somebody else worked on the app since these steps were begun.
    is_overtaken: bool,
}

impl Interrupted {
    fn at(failure: Failure, begun: usize) -> Self {
        Self { failure, begun, is_overtaken: false }
    }
}
