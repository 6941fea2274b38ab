//! Reads a rollout's health from what the cluster shows. Pure: time is told, nothing is asked.
//!
//! The algorithm is that of `kubectl rollout status` (observed generation, then replicas updated,
//! old ones gone, available), and on top of it the signs that call a rollout hopeless long before
//! its deadline: [`crate::problem`].

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

/// Whether to wait on.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Wait.
    Progressing,
    /// It serves. What is wrong beside that is told and does no harm to the release.
    Healthy(Vec<Finding>),
    /// Waiting is no use.
    Failed(Finding),
}

/// So many pods that fail at once are no accident.
const PODS_AT_ONCE: usize = 3;

/// Remembers since when a sign has been seen, by `problem::lasting` and subject.
#[derive(Default)]
pub struct Judge {
    since: BTreeMap<(u16, String), Duration>,
    next: Option<Duration>,
    /// How many pods each workload had, and when pods moved last.
    counts: Vec<[u32; 4]>,
    moved: Duration,
    awaited: Awaited,
    excused: Option<Finding>,
    noticed: Vec<Finding>,
}

impl Judge {
    /// `elapsed`: since the wait began, never less than the time before.
    pub fn judge(&mut self, seen: &Snapshot, release: &Release, elapsed: Duration) -> Verdict {
        (self.next, self.excused) = (None, None);
        self.noticed.clear();
        let counts: Vec<_> = seen
            .workloads
            .iter()
            .map(|one| [one.total, one.updated, one.ready, one.available])
            .collect();
        if seen.is_moving() || counts != self.counts {
            (self.moved, self.counts) = (elapsed, counts);
        }
        if !seen.is_of(&release.id) {
            self.since.clear();
            return Verdict::Progressing;
        }
        let mut taken = BTreeSet::new();
        let mut current = BTreeSet::new();
        let mut warned = Vec::new();
        let mut fatal = None;
        for problem in problem::KNOWN {
            let mut symptoms = (problem.symptoms)(seen);
            // What one problem explains is no sign of another.
            symptoms.retain(|symptom| !taken.contains(&symptom.subject));
            if let Debounce::Times(wanted @ 2..) = problem.debounce {
                // What ended once and runs again may well stay.
                symptoms.retain(|symptom| symptom.is_now || symptom.times >= wanted);
            }
            self.noticed
                .extend(symptoms.iter().map(|symptom| Finding::new(problem, symptom.clone())));
            let (excused, symptoms): (Vec<_>, Vec<_>) = symptoms
                .into_iter()
                .partition(|symptom| self.awaited.excuses(problem, seen, symptom));
            for symptom in
                excused.into_iter().filter(|symptom| problem.debounce.counts(symptom.times))
            {
                taken.insert(symptom.subject.clone());
                let told = || Finding::new(problem, awaited::told(seen, symptom));
                self.excused.get_or_insert_with(told);
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
            // That the time is up says less than what was waited for in vain.
            Some(finding) if finding.problem == problem::stalled() => {
                Verdict::Failed(self.excused.clone().unwrap_or(finding))
            }
            Some(finding) => Verdict::Failed(finding),
            None if is_healthy(seen) => Verdict::Healthy(warned),
            None => Verdict::Progressing,
        }
    }

    /// Begins anew after the cluster was away. What pods wait for is still known: how often each had failed by
    /// the time that it was there.
    pub fn begin_again(&mut self) {
        *self = Self { awaited: std::mem::take(&mut self.awaited), ..Self::default() };
    }

    /// A sign that would be called, did not another workload of the release still come up.
    #[must_use]
    pub fn excused(&self) -> Option<&Finding> {
        self.excused.as_ref()
    }

    /// All that the last snapshot shows of problems, whether or not it has lasted.
    #[must_use]
    pub fn noticed(&self) -> &[Finding] {
        &self.noticed
    }

    /// From when on something counts that was seen first at `since`: from when pods moved last, and as long
    /// again as they moved until then.
    fn settled(&self, since: Duration) -> Duration {
        let moved = self.moved.max(since);
        moved + (moved - since)
    }

    /// When the same snapshot would be judged otherwise.
    #[must_use]
    pub fn look_again(&self) -> Option<Duration> {
        self.next
    }
}

fn is_healthy(seen: &Snapshot) -> bool {
    seen.workloads.iter().all(crate::snapshot::Workload::is_healthy)
        && seen.routes.iter().all(|route| route.accepted)
        && seen
            .services
            .iter()
            .all(|service| !service.is_pending && service.endpoints.is_some_and(|ready| ready > 0))
}
