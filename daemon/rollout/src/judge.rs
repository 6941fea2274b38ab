//! Judges a rollout by what the cluster shows. Pure: time is an argument, and no function asks the cluster.
//!
//! The algorithm is that of `kubectl rollout status` (observed generation, then replicas updated,
//! old ones deleted, available). Beyond that, symptoms show long before its deadline that a rollout
//! is hopeless: [`crate::problem`].

use crate::{
    problem::{self, Debounce, Finding},
    snapshot::Snapshot,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use windlass_model::job::Release;

mod awaited;

use awaited::Awaited;

/// Verdict on a rollout.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// It may still become healthy: wait.
    Progressing,
    /// It serves. The findings are warnings: what they name does no harm to the release.
    Healthy(Vec<Finding>),
    /// Waiting is of no use.
    Failed(Finding),
}

/// Number of pods whose failure at the same time is no accident.
const PODS_AT_ONCE: usize = 3;

/// Judge of one rollout. It remembers since when each symptom has been shown.
#[derive(Default)]
pub struct Judge {
    /// Since when a symptom has been shown, by `problem::lasting` and subject.
    since: BTreeMap<(u16, String), Duration>,
    next: Option<Duration>,
    /// Counts of pods of each workload in the last snapshot.
    counts: Vec<[u32; 4]>,
    /// Elapsed time at which pods ended or came up last.
    moved: Duration,
    awaited: Awaited,
    excused: Option<Finding>,
    noticed: Vec<Finding>,
}

impl Judge {
    /// Returns the verdict on a snapshot. `elapsed` counts from the begin of the wait, and is never less than
    /// in the call before.
    pub fn judge(&mut self, snapshot: &Snapshot, release: &Release, elapsed: Duration) -> Verdict {
        (self.next, self.excused) = (None, None);
        self.noticed.clear();
        let counts: Vec<_> = snapshot
            .workloads
            .iter()
            .map(|one| [one.total, one.updated, one.ready, one.available])
            .collect();
        if snapshot.is_moving() || counts != self.counts {
            (self.moved, self.counts) = (elapsed, counts);
        }
        if !snapshot.is_of(&release.id) {
            self.since.clear();
            return Verdict::Progressing;
        }
        let mut taken = BTreeSet::new();
        let mut current = BTreeSet::new();
        let mut warned = Vec::new();
        let mut fatal = None;
        for problem in problem::KNOWN {
            let mut symptoms = (problem.symptoms)(snapshot);
            // What one problem explains is no symptom of another.
            symptoms.retain(|symptom| !taken.contains(&symptom.subject));
            if let Debounce::Times(wanted @ 2..) = problem.debounce {
                // What ended once and runs again may stay.
                symptoms.retain(|symptom| symptom.is_now || symptom.times >= wanted);
            }
            self.noticed
                .extend(symptoms.iter().map(|symptom| Finding::new(problem, symptom.clone())));
            let (excused, symptoms): (Vec<_>, Vec<_>) = symptoms
                .into_iter()
                .partition(|symptom| self.awaited.excuses(problem, snapshot, symptom));
            for symptom in
                excused.into_iter().filter(|symptom| problem.debounce.counts(symptom.times))
            {
                taken.insert(symptom.subject.clone());
                let excused_finding =
                    || Finding::new(problem, awaited::with_awaited(snapshot, symptom));
                self.excused.get_or_insert_with(excused_finding);
            }
            let subjects =
                symptoms.iter().map(|symptom| &symptom.subject).collect::<BTreeSet<_>>().len();
            let most = symptoms.iter().map(|symptom| symptom.times).max().unwrap_or_default();
            for symptom in symptoms {
                let debounce = symptom.debounce.unwrap_or(problem.debounce);
                let seconds = match debounce {
                    Debounce::Now => Some(0),
                    Debounce::After(seconds) => Some(seconds),
                    Debounce::Likely(seconds) if subjects > 1 => Some(seconds),
                    Debounce::Likely(seconds) => Some(2 * seconds),
                    Debounce::Settled(seconds) => Some(seconds),
                    Debounce::Times(wanted)
                        if most >= wanted || subjects >= PODS_AT_ONCE.max(wanted as usize) =>
                    {
                        Some(0)
                    }
                    // Too few ends explain nothing yet: another container of the pod may have more.
                    Debounce::Times(_) => continue,
                    Debounce::Wait | Debounce::Warn => None,
                };
                taken.insert(symptom.subject.clone());
                let Some(seconds) = seconds else {
                    if debounce == Debounce::Warn {
                        warned.push(Finding::new(problem, symptom));
                    }
                    continue;
                };
                let key = (problem::lasting(problem), symptom.subject.clone());
                let mut since = *self.since.entry(key.clone()).or_insert(elapsed);
                current.insert(key);
                if matches!(debounce, Debounce::Settled(_)) {
                    since = self.settled(since);
                }
                let due = since + Duration::from_secs(seconds);
                if elapsed < due {
                    self.next = Some(self.next.map_or(due, |next| next.min(due)));
                } else if fatal.is_none() {
                    fatal = Some(Finding::new(problem, symptom));
                }
            }
        }
        self.since.retain(|key, _| current.contains(key));
        match fatal {
            // A timeout explains less than the symptom that was excused until then.
            Some(finding) if finding.problem == problem::stalled() => {
                Verdict::Failed(self.excused.clone().unwrap_or(finding))
            }
            Some(finding) => Verdict::Failed(finding),
            None if is_healthy(snapshot) => Verdict::Healthy(warned),
            None => Verdict::Progressing,
        }
    }

    /// Begins again after the cluster did not answer. The judge still knows how often each pod had failed by
    /// the time that the workload it waits for was ready.
    pub fn begin_again(&mut self) {
        *self = Self { awaited: std::mem::take(&mut self.awaited), ..Self::default() };
    }

    /// Returns the symptom that would fail the rollout, if no other workload of the release were still coming
    /// up. `None` means that no symptom is excused.
    #[must_use]
    pub fn excused(&self) -> Option<&Finding> {
        self.excused.as_ref()
    }

    /// Returns all symptoms that the last snapshot shows, whether or not they have lasted.
    #[must_use]
    pub fn noticed(&self) -> &[Finding] {
        &self.noticed
    }

    /// Returns from when on a symptom counts that was shown first at `since`: from when pods moved last, and
    /// as long again as they moved until then.
    fn settled(&self, since: Duration) -> Duration {
        let moved = self.moved.max(since);
        moved + (moved - since)
    }

    /// Returns the elapsed time at which judging the same snapshot again could give another verdict. `None`
    /// means never.
    #[must_use]
    pub fn look_again(&self) -> Option<Duration> {
        self.next
    }
}

fn is_healthy(snapshot: &Snapshot) -> bool {
    snapshot.workloads.iter().all(crate::snapshot::Workload::is_healthy)
        && snapshot.routes.iter().all(|route| route.accepted)
        && snapshot
            .services
            .iter()
            .all(|service| !service.is_pending && service.endpoints.is_some_and(|ready| ready > 0))
}
