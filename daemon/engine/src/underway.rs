//! Releases on their way: their hosts are taken before any journal lists them as serving.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use windlass_model::{
    exposure::Exposure, job::Release, outcome::Outcome, replay::ResumePoint, spec::SpecError,
};

/// Releases of the jobs that have a plan and no outcome yet, by the job's id. All jobs of a daemon share them.
#[derive(Debug, Default)]
pub struct Underway(Mutex<BTreeMap<String, Release>>);

impl Underway {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Release>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a release that is about to be planned. Of two that want the same host, the second is refused.
    pub(crate) fn enter(
        &self,
        job: &str,
        release: &Release,
        exposure: &Exposure,
    ) -> Result<(), SpecError> {
        let mut all = self.lock();
        let others = all.iter().filter(|(other, _)| other.as_str() != job);
        let others: Vec<_> = others.map(|(_, release)| release.clone()).collect();
        exposure.compare(release, &others)?;
        all.insert(job.to_owned(), release.clone());
        Ok(())
    }

    /// Enters a release whose plan an earlier run recorded: parts of it may be in the cluster.
    pub(crate) fn go_on(&self, job: &str, release: &Release) {
        self.lock().insert(job.to_owned(), release.clone());
    }

    /// Enters the release of a job that an earlier daemon began, if it has a plan. This comes before any job runs:
    /// another one could take its host else.
    pub fn resume(&self, job: &str, from: &ResumePoint) {
        match from {
            ResumePoint::Planned { plan, .. } => self.go_on(job, &plan.release),
            ResumePoint::OutcomeDecided { outcome: Outcome::Succeeded(release), .. } => {
                self.go_on(job, release);
            }
            _ => {}
        }
    }

    /// Removes the release of a job whose outcome is stored. From then on the journal lists what serves.
    pub fn leave(&self, job: &str) {
        self.lock().remove(job);
    }
}
