//! The loop over repositories: which is asked when.

use super::{
    Key, PATIENCE,
    pass::{Passed, Work},
    triggers_of,
};
use crate::services::Services;
use rand::Rng as _;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until},
};
use windlass_model::{
    clock::now_ms,
    delivery::{Change, Delivery},
    preview::PreviewState,
};

/// Time after which the store is asked for deliveries even without a wake-up, and after which a pass is tried again
/// that the store or a quota kept from its end.
const PERIOD: Duration = Duration::from_secs(10);

/// Time for which deliveries of one repository are gathered.
const GATHER: Duration = Duration::from_millis(500);

/// Shortest time between two questions to the store.
const BREATH: Duration = Duration::from_millis(200);

/// Number of repositories that are asked at once.
const MOST_AT_ONCE: usize = 8;

/// Number of repositories of one project among them: each may take minutes, and the others are not to wait for it.
const MOST_OF_PROJECT: usize = 2;

/// Number of repositories among them that are only polled: those that do not answer are asked for a minute and more.
const MOST_POLLS: usize = 4;

/// Number of deliveries that are taken from the store at once.
const MOST_DELIVERIES: u32 = 1000;

/// Time between two polls of a repository, and the share of it by which they are spread.
const POLL_EVERY: Duration = Duration::from_secs(600);
const POLL_SPREAD: Duration = Duration::from_secs(60);

/// Time between two looks at which projects there are.
const PROJECTS_EVERY: Duration = Duration::from_secs(60);

/// Time between two deletions of old deliveries, and the milliseconds for which they are kept: 30 days.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
const KEPT_MS: u64 = 30 * 24 * 3600 * 1000;

/// Time between two comparisons of previews with their pull requests.
const RECONCILE_EVERY: Duration = Duration::from_secs(3600);

/// Milliseconds for which a preview that ended is remembered: 365 days.
const PREVIEWS_KEPT_MS: u64 = 365 * 24 * 3600 * 1000;

/// Longest pause before a repository is asked again for what it does not show yet, as a power of two in seconds.
const LONGEST_PAUSE: u32 = 4;

impl Services {
    /// Turns deliveries into jobs, and asks repositories for what nobody reported, for ever.
    pub async fn take_in(self) {
        Worker::new(self).run().await;
    }
}

/// Memory of one repository in this life of the daemon.
#[derive(Debug, Default)]
struct Known {
    /// Deliveries that were looked at, each with the time of its first look.
    looked: BTreeMap<String, Instant>,
    /// Pull requests that were reported, each with the time of the last look at a report.
    pulls: BTreeMap<u64, Instant>,
    /// Time of the next pass over deliveries. `None` means that there are none.
    due: Option<Instant>,
    /// Time of the next poll. `None` means that the repository is not polled.
    poll: Option<Instant>,
    /// Passes since the last that left nothing to ask again.
    tries: u32,
    /// Time since which the repository does not answer.
    failing: Option<Instant>,
    /// Time of the next comparison of its previews. `None` means that there is none to come.
    reconcile: Option<Instant>,
    /// A delivery records that polls fail.
    is_known_to_fail: bool,
    is_running: bool,
}

impl Known {
    /// Returns the time of the next pass. `None` means that there is nothing to do, or that a pass is at work.
    fn next(&self) -> Option<Instant> {
        if self.is_running {
            return None;
        }
        self.due.into_iter().chain(self.poll).chain(self.reconcile).min()
    }

    /// Notes what a pass left.
    fn passed(&mut self, passed: Passed, polled: bool, now: Instant) {
        self.is_running = false;
        self.due = None;
        let again = match passed {
            Passed::Done | Passed::GaveUp => None,
            Passed::Lags | Passed::Fault => {
                self.tries += 1;
                Some(Duration::from_secs(1 << self.tries.saturating_sub(1).min(LONGEST_PAUSE)))
            }
            Passed::NoRoom | Passed::NoStore => Some(PERIOD),
        };
        if again.is_none() {
            self.tries = 0;
        }
        self.failing = match passed {
            Passed::Fault => Some(self.failing.unwrap_or(now)),
            // The store failed before anybody knew.
            Passed::NoStore => self.failing,
            _ => None,
        };
        // An answer that the repository has not given yet is still to come.
        let is_polled = !matches!(passed, Passed::Fault | Passed::NoStore);
        if polled && is_polled {
            self.is_known_to_fail = passed == Passed::GaveUp;
        }
        if polled && self.poll.is_some() {
            let next = if is_polled { POLL_EVERY + spread() } else { again.unwrap_or(PERIOD) };
            self.poll = Some(now + next);
        }
        self.due = again.map(|pause| now + pause);
    }
}

/// A pass at work.
struct Running {
    key: Key,
    polls: bool,
    /// It has deliveries.
    is_reported: bool,
}

/// Places of passes that are taken.
#[derive(Default)]
struct Taken {
    all: usize,
    polls: usize,
    projects: BTreeMap<String, usize>,
}

impl Taken {
    /// Returns whether there is a place for one more pass.
    fn has_room(&self, key: &Key, is_reported: bool) -> bool {
        let of_project = self.projects.get(&key.project).copied().unwrap_or_default();
        self.all < MOST_AT_ONCE
            && of_project < MOST_OF_PROJECT
            && (is_reported || self.polls < MOST_POLLS)
    }

    fn take(&mut self, key: &Key, is_reported: bool) {
        self.all += 1;
        self.polls += usize::from(!is_reported);
        *self.projects.entry(key.project.clone()).or_default() += 1;
    }
}

/// The loop.
struct Worker {
    services: Services,
    known: BTreeMap<Key, Known>,
    /// Deliveries without a verdict, by repository.
    undecided: BTreeMap<Key, Vec<Delivery>>,
    running: JoinSet<Passed>,
    passes: HashMap<Id, Running>,
    /// Time of the last question to the store.
    listed: Option<Instant>,
    /// Time of the last look at which projects there are.
    projects_at: Option<Instant>,
    /// Time of the last deletion of old deliveries.
    forgot: Option<Instant>,
    /// Time of the last comparison of previews.
    reconciled: Option<Instant>,
}

impl Worker {
    fn new(services: Services) -> Self {
        Self {
            services,
            known: BTreeMap::new(),
            undecided: BTreeMap::new(),
            running: JoinSet::new(),
            passes: HashMap::new(),
            listed: None,
            projects_at: None,
            forgot: None,
            reconciled: None,
        }
    }

    async fn run(mut self) {
        let intake = self.services.intake.clone();
        loop {
            let now = Instant::now();
            if has_passed(&mut self.projects_at, PROJECTS_EVERY, now) {
                self.read_projects().await;
            }
            if has_passed(&mut self.forgot, FORGET_EVERY, now) {
                self.forget().await;
            }
            if has_passed(&mut self.reconciled, RECONCILE_EVERY, now) {
                self.reconcile().await;
            }
            if has_passed(&mut self.listed, BREATH, now) {
                self.list().await;
            }
            self.begin();
            let next = self.next(now);
            tokio::select! {
                () = intake.notified() => {
                    // Of many deliveries each wakes.
                    let listed = self.listed.unwrap_or(now);
                    sleep_until(listed + BREATH).await;
                }
                Some(ended) = self.running.join_next_with_id() => self.end(ended),
                () = sleep_until(next) => {}
            }
        }
    }

    /// Reads which repositories are polled. Their first polls are spread.
    async fn read_projects(&mut self) {
        let projects = match self.services.projects.projects().await {
            Ok(projects) => projects,
            Err(error) => {
                tracing::warn!(%error, "repositories are polled as before: projects cannot be read");
                return;
            }
        };
        let mut polled = BTreeSet::new();
        for record in projects {
            for (name, repository) in &record.spec.repositories {
                let has_triggers = triggers_of(&record.spec, name).next().is_some();
                if has_triggers && repository.poll != Some(false) {
                    let (project, repository) = (record.spec.project.clone(), name.clone());
                    polled.insert(Key { project, repository });
                }
            }
        }
        for (key, known) in &mut self.known {
            if !polled.contains(key) {
                known.poll = None;
            }
        }
        let now = Instant::now();
        for key in polled {
            self.known.entry(key).or_default().poll.get_or_insert_with(|| now + spread());
        }
    }

    async fn forget(&self) {
        let before_ms = now_ms().saturating_sub(KEPT_MS);
        if let Err(error) = self.services.deliveries.forget_deliveries(before_ms).await {
            tracing::warn!(%error, "old deliveries are not deleted");
        }
        let before_ms = now_ms().saturating_sub(PREVIEWS_KEPT_MS);
        if let Err(error) = self.services.previews.forget_previews(before_ms).await {
            tracing::warn!(%error, "previews of the past are not deleted");
        }
    }

    /// Mends what came of previews that ended, and has repositories asked for the pull requests of those that are open.
    async fn reconcile(&mut self) {
        if let Err(error) = self.services.mend_previews().await {
            tracing::warn!(%error, "previews that ended are not looked at");
        }
        let previews = match self.services.previews.previews(None).await {
            Ok(previews) => previews,
            Err(error) => {
                tracing::warn!(%error, "previews are not compared: they cannot be read");
                return;
            }
        };
        let now = Instant::now();
        for preview in previews.into_iter().filter(|one| one.state == PreviewState::Open) {
            if preview.number.is_some() {
                let (project, repository) = (preview.app.project, preview.repository);
                self.known.entry(Key { project, repository }).or_default().reconcile = Some(now);
            }
        }
    }

    /// Reads the deliveries without a verdict.
    async fn list(&mut self) {
        let list = match self.services.deliveries.undecided(MOST_DELIVERIES).await {
            Ok(list) => list,
            Err(error) => {
                tracing::warn!(%error, "deliveries wait: the store cannot be read");
                return;
            }
        };
        self.undecided.clear();
        for delivery in list {
            self.undecided.entry(Key::of(&delivery)).or_default().push(delivery);
        }
        let now = Instant::now();
        for (key, deliveries) in &self.undecided {
            let known = self.known.entry(key.clone()).or_default();
            let is_new = deliveries.iter().any(|delivery| !known.looked.contains_key(&delivery.id));
            let due = now + if is_new { GATHER } else { PERIOD };
            known.due = Some(known.due.map_or(due, |before| before.min(due)));
        }
        let undecided = &self.undecided;
        self.known.retain(|key, known| {
            let is_waiting = undecided.contains_key(key);
            if !is_waiting && !known.is_running {
                known.due = None;
                known.looked.clear();
            }
            known.pulls.retain(|_, at| now.duration_since(*at) < PATIENCE);
            let is_asked = known.poll.is_some() || known.reconcile.is_some();
            is_waiting || known.is_running || is_asked || !known.pulls.is_empty()
        });
    }

    /// Begins the passes that are due, the longest due first.
    fn begin(&mut self) {
        let now = Instant::now();
        let due = self.known.iter().filter_map(|(key, known)| Some((known.next()?, key)));
        let mut due: Vec<_> = due.filter(|(at, _)| *at <= now).collect();
        due.sort_unstable();
        let mut taken = self.taken();
        let mut keys = Vec::new();
        for (_, key) in due {
            let is_reported = self.undecided.contains_key(key);
            if taken.has_room(key, is_reported) {
                taken.take(key, is_reported);
                keys.push(key.clone());
            }
        }
        for key in keys {
            let deliveries = self.undecided.remove(&key).unwrap_or_default();
            let Some(known) = self.known.get_mut(&key) else { continue };
            known.is_running = true;
            known.looked.retain(|id, _| deliveries.iter().any(|delivery| delivery.id == *id));
            for delivery in &deliveries {
                known.looked.entry(delivery.id.clone()).or_insert(now);
                if let Change::Pull(pull) = &delivery.report.change {
                    known.pulls.insert(pull.number, now);
                }
            }
            let is_recent = |at: Instant| now.duration_since(at) < PATIENCE;
            let patient = known.looked.iter().filter(|looked| is_recent(*looked.1));
            let fresh = known.pulls.iter().filter(|pull| is_recent(*pull.1));
            let fresh = fresh.map(|(number, _)| *number).collect();
            let polls = known.poll.is_some_and(|at| at <= now);
            let reconciles = known.reconcile.take().is_some();
            let is_reported = !deliveries.is_empty();
            let work = Work {
                key: key.clone(),
                patient: patient.map(|(id, _)| id.clone()).collect(),
                deliveries,
                gives_up: known.failing.is_some_and(|since| !is_recent(since)),
                polls,
                reconciles,
                fresh,
                is_known_to_fail: known.is_known_to_fail,
            };
            let services = self.services.clone();
            let handle = self.running.spawn(async move { services.pass(work).await });
            self.passes.insert(handle.id(), Running { key, polls, is_reported });
        }
    }

    /// Returns the places that passes at work have.
    fn taken(&self) -> Taken {
        let mut taken = Taken::default();
        for Running { key, is_reported, .. } in self.passes.values() {
            taken.take(key, *is_reported);
        }
        taken
    }

    fn end(&mut self, ended: Result<(Id, Passed), JoinError>) {
        let (id, passed) = match ended {
            Ok((id, passed)) => (id, passed),
            Err(error) => {
                tracing::error!(%error, "a pass over a repository ended by a defect; it is tried again");
                (error.id(), Passed::NoStore)
            }
        };
        let Some(Running { key, polls, .. }) = self.passes.remove(&id) else { return };
        // What was listed meanwhile may be decided by now. What came meanwhile has woken the loop already: without
        // another question to the store it would wait for the next period.
        if self.undecided.remove(&key).is_some() {
            self.listed = None;
        }
        if let Some(known) = self.known.get_mut(&key) {
            known.passed(passed, polls, Instant::now());
        }
    }

    /// Returns the time at which there is something to do.
    fn next(&self, now: Instant) -> Instant {
        let taken = self.taken();
        let has_room = |key: &Key| taken.has_room(key, self.undecided.contains_key(key));
        let waiting = self.known.iter().filter(|(key, _)| has_room(key));
        let due = waiting.filter_map(|(_, known)| known.next()).min();
        let listed = self.listed.unwrap_or(now);
        due.unwrap_or(listed + PERIOD).clamp(listed + BREATH, listed + PERIOD)
    }
}

/// Returns whether a time has passed since the last time, and notes that it has.
fn has_passed(last: &mut Option<Instant>, every: Duration, now: Instant) -> bool {
    let has_passed = last.is_none_or(|last| now.duration_since(last) >= every);
    if has_passed {
        *last = Some(now);
    }
    has_passed
}

/// Returns a random part of the time by which polls are spread.
fn spread() -> Duration {
    let most = u64::try_from(POLL_SPREAD.as_millis()).unwrap_or_default();
    Duration::from_millis(rand::rng().random_range(0..=most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_one_project_nor_polls_take_all_places() {
        let key = |project: &str| Key { project: project.into(), repository: "web".into() };
        let mut taken = Taken::default();
        for _ in 0..MOST_OF_PROJECT {
            assert!(taken.has_room(&key("shop"), true));
            taken.take(&key("shop"), true);
        }
        assert!(!taken.has_room(&key("shop"), true));
        for number in 0..MOST_POLLS {
            assert!(taken.has_room(&key(&format!("p{number}")), false));
            taken.take(&key(&format!("p{number}")), false);
        }
        assert!(!taken.has_room(&key("blog"), false) && taken.has_room(&key("blog"), true));
        for number in 0..MOST_AT_ONCE - MOST_OF_PROJECT - MOST_POLLS {
            taken.take(&key(&format!("d{number}")), true);
        }
        assert!(!taken.has_room(&key("blog"), true));
    }

    #[test]
    fn what_is_not_visible_is_asked_again_ever_more_slowly() {
        let now = Instant::now();
        let mut known = Known::default();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            known.passed(Passed::Lags, false, now);
            pauses.push(known.next().unwrap().duration_since(now).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 16, 16]);
        assert!(pauses.iter().sum::<u64>() >= PATIENCE.as_secs());
        known.passed(Passed::Done, false, now);
        assert_eq!((known.next(), known.tries), (None, 0));
    }

    #[test]
    fn a_repository_that_does_not_answer_is_polled_again_soon_and_then_slowly() {
        let now = Instant::now();
        let mut known = Known { poll: Some(now), ..Known::default() };
        known.passed(Passed::Fault, true, now);
        assert_eq!((known.failing, known.poll), (Some(now), Some(now + Duration::from_secs(1))));
        known.passed(Passed::GaveUp, true, now);
        assert!(known.is_known_to_fail && known.failing.is_none());
        assert!(known.poll.unwrap() >= now + POLL_EVERY);
        known.passed(Passed::Done, true, now);
        assert!(!known.is_known_to_fail);
    }
}
