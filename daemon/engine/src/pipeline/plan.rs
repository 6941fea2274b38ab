//! Plan: from a release to the steps that roll it out.

use super::{metrics, wall};
use crate::{
    deploy::Deploy,
    failure::{Cause, Failure},
    journal::JournalLost,
};
use std::collections::BTreeMap;
use windlass_model::{
    event::Event,
    hook::Hook,
    job::{Release, Source, Stage},
    outcome::Stop,
    plan::{Plan, Previous, contracting, plan, removing},
};

impl Deploy<'_> {
    /// Checks that the job's app may still go to its clusters: the job may have waited.
    pub(super) async fn may_go(&self) -> Result<(), Cause> {
        let (app, clusters) = (&self.job.app, &self.job.clusters);
        let targets = self.ports.targets.targets(&app.project).await;
        let targets = targets.map_err(JournalLost::from)?;
        targets.choose(app, &clusters.names, Some(clusters.order))?;
        Ok(())
    }

    /// Plans a release, and records the plan: from here on nothing is left to decide.
    pub(super) async fn plan(&self, release: &Release) -> Result<Plan, Failure> {
        let planned = async {
            self.run.record(Event::Started(Stage::Release)).await?;
            if let Source::Removal(removal) = self.job.source {
                // It takes no host, and asks nobody who would have to be there.
                let plan = removing(release, removal.data);
                self.run.record(Event::Planned(Box::new(plan.clone()))).await?;
                return Ok(plan);
            }
            if let Source::Contract(_) = self.job.source {
                self.check_serves(release).await?;
                let plan = contracting(release);
                self.run.record(Event::Planned(Box::new(plan.clone()))).await?;
                return Ok(plan);
            }
            let mut release = release.clone();
            if let Source::Release(earlier) = &self.job.source {
                self.check_not_contracted(earlier).await?;
                // It has served before: users wait for it, and not it for users.
                release.runtime.strategy = release.runtime.strategy.at_once();
            }
            let release = &release;
            metrics::check(release, self.ports)?;
            // First: a release that ends between both checks is found by the second.
            self.ports.underway.enter(&self.job.id, release, &self.ports.exposure)?;
            wall::check(release, self.ports).await?;
            let hooks = match self.job.source {
                Source::Commit(_) => self.hooks_of(release).await?,
                // Migrations of an earlier release ran with it. Notification hooks run after a rollback too.
                Source::Release(_) | Source::Contract(_) | Source::Removal(_) => Vec::new(),
            };
            let previous = self.previous(release).await?;
            let plan = plan(release, self.job.clusters.order, &previous, &hooks);
            metrics::check_plan(&plan, self.ports)?;
            self.run.record(Event::Planned(Box::new(plan.clone()))).await?;
            Ok::<_, Cause>(plan)
        };
        planned.await.map_err(|cause| Failure { at: Stage::Release, cause })
    }

    /// Checks that a release serves in all its clusters: the job may have waited.
    async fn check_serves(&self, release: &Release) -> Result<(), Cause> {
        for placed in release.each() {
            let last = self.run.last_release(&placed.app, placed.cluster()).await?;
            if last.is_none_or(|last| last.id != placed.id) {
                return Err(Cause::Stopped(Stop::Outdated { release: placed.id }));
            }
        }
        Ok(())
    }

    /// Checks that the data still holds what an earlier release works with, in the clusters that it goes to.
    async fn check_not_contracted(&self, earlier: &Release) -> Result<(), Cause> {
        for placed in earlier.at(&self.job.clusters.names).each() {
            let contraction = self.run.contraction(&placed.app, placed.cluster()).await?;
            if let Some(contraction) = contraction.filter(|it| it.is_past(&placed)) {
                return Err(Cause::Contracted { release: Box::new(placed), contraction });
            }
        }
        Ok(())
    }

    /// Returns what serves in each of a release's clusters. What serves and is unknown to the journal is not
    /// scaled to zero if this release fails.
    async fn previous(&self, release: &Release) -> Result<BTreeMap<String, Previous>, Cause> {
        let mut previous = BTreeMap::new();
        for next in release.each() {
            let known = match self.run.last_release(&next.app, next.cluster()).await? {
                Some(last) => {
                    // Its track is the one of this cluster.
                    let last = last.at(&next.clusters);
                    Previous::Release(Box::new(last))
                }
                None if self.serves(&next).await? => {
                    self.run.record(unmanaged(&next)).await?;
                    Previous::Unmanaged
                }
                None => continue,
            };
            previous.insert(next.cluster().to_owned(), known);
        }
        Ok(previous)
    }

    async fn serves(&self, next: &Release) -> Result<bool, Cause> {
        let ask = || async {
            let serves = self.ports.reader.serves(next).await;
            serves.map_err(|error| Cause::applying(error, next))
        };
        self.run.unless_stopped(self.run.retrying(ask)).await
    }

    /// Returns the operator's hooks for a release. An app's settings for a hook that there is not are no
    /// error: another operator may deploy the same repository.
    async fn hooks_of(&self, release: &Release) -> Result<Vec<Hook>, JournalLost> {
        let hooks = self.ports.hooks.of(&release.app, &release.hooks);
        for name in release.hooks.keys() {
            if !hooks.iter().any(|hook| hook.name == *name) {
                let message = format!(
                    "`hooks.{name}` is set, and the operator has no such hook for this app"
                );
                let known = hooks.iter().map(|hook| &*hook.name).collect::<Vec<_>>().join(", ");
                let fix = format!("remove it, or ask the operator for it; there are: {known}");
                self.run.record(Event::Warning { stage: Stage::Hooks, message, fix }).await?;
            }
        }
        Ok(hooks)
    }
}

fn unmanaged(next: &Release) -> Event {
    let message = format!(
        "{} serves{} already, and the journal has no release of it",
        next.app.name,
        next.place()
    );
    let fix = "none is needed if another tool deployed it; if this release fails, it cannot be rolled back to what serves now, and what it changed stays";
    Event::Warning { stage: Stage::Release, message, fix: fix.into() }
}
