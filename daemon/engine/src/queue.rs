//! Queue of jobs: which job runs next, and which gets a slot for its work. Pure: it takes messages and returns
//! actions. The store is the source of truth; the queue is rebuilt from it at each start.
//!
//! Never two jobs of one app run at once. A newer job of an app takes the place of a waiting one, if it goes to
//! all the clusters of that one. Each kind of work has its slots. A job begins with a slot for its first work,
//! and asks for others as it goes. Among projects, the one with the fewest slots of the kind goes first.
//!
//! A job that waits for an approval before its plan has begun, and neither runs nor has a slot. One that waits in the
//! middle of its release runs, and keeps its slot. `newer.rs` has the jobs that end for a newer one of their app.

mod entry;
mod message;
mod need;
mod newer;
#[cfg(test)]
mod tests;
mod usage;
mod wait;

pub use message::{Action, Message};
pub use need::{Kind, Limits, Need};
pub use usage::{SlotUsage, Usage};
pub use wait::{SlotWait, Wait};

use entry::{Ask, Entry, Held, Kept, Place, Running, Taken};
use need::overlap;
use std::collections::{BTreeMap, BTreeSet};
use windlass_model::app::App;

/// Number of times that others, which need only some of its clusters, pass a job over. From then on one place in each
/// of its clusters is kept free for it, though not from projects that have fewer than its own.
const MOST_PASSED: u32 = 16;

/// Share of the places to run, as a divisor, that is kept for projects of which nothing runs.
const KEPT_SHARE: usize = 10;

/// Waiting and running jobs.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    /// Names of the clusters that projects share. All others are of a project's own, each with slots of its own. `None`
    /// means that all are shared.
    shared: Option<BTreeSet<String>>,
    jobs: BTreeMap<String, Entry>,
    /// Reasons by the ids of jobs that the daemon cannot run.
    left_alone: BTreeMap<String, String>,
    /// Number of the next request or job: the order of those that wait.
    next: u64,
    /// No further job begins.
    is_draining: bool,
}

impl Queue {
    /// Makes an empty queue.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            shared: None,
            jobs: BTreeMap::new(),
            left_alone: BTreeMap::new(),
            next: 1,
            is_draining: false,
        }
    }

    /// Names the clusters that projects share: any other is another one for each project.
    #[must_use]
    pub fn sharing(self, clusters: BTreeSet<String>) -> Self {
        Self { shared: Some(clusters), ..self }
    }

    /// Lets no further job begin. Those that run still get slots.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }

    /// Takes a message, and returns the actions that follow from it, in order.
    pub fn take(&mut self, message: Message) -> Vec<Action> {
        let mut actions = Vec::new();
        match message {
            // Found in the store at start, and submitted by its client too.
            Message::Submitted { id, .. } if self.jobs.contains_key(&id) => {}
            Message::Submitted { id, app, clusters, first, begun } => {
                if !begun {
                    self.supersede(&id, &app, &clusters, &mut actions);
                }
                let order = self.order();
                let need = self.placed(&app.project, first);
                // What an earlier run began asks for what it needs by itself.
                let asks = (!begun).then_some(Ask { ticket: 0, need, order, passed: 0 });
                let entry = Entry {
                    app,
                    clusters,
                    order,
                    begun,
                    runs: false,
                    asks,
                    held: None,
                    gate: None,
                    yields: false,
                    is_stopped: false,
                    has_news: false,
                    paused: None,
                };
                self.jobs.insert(id, entry);
            }
            Message::Ended { id } => {
                self.jobs.remove(&id);
            }
            Message::Again { id } => {
                if let Some(job) = self.jobs.get_mut(&id).filter(|job| job.runs) {
                    job.end_run();
                }
            }
            Message::Held { id, gate } => self.hold(&id, gate, &mut actions),
            Message::GivesWay { id, gives_way } => self.give_way(&id, gives_way, &mut actions),
            // Of those that run. What is not running reads it from the store when it does.
            Message::News { .. } => {}
            Message::Approved { id } => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    (job.gate, job.has_news) = (None, true);
                }
            }
            Message::Paused { id, why } => {
                if let Some(job) = self.jobs.get_mut(&id).filter(|job| job.runs) {
                    job.paused = Some(why);
                    (job.asks, job.held) = (None, None);
                }
            }
            Message::Resumed { id } => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.paused = None;
                }
            }
            Message::LeftAlone { id, why } => {
                self.jobs.remove(&id);
                self.left_alone.insert(id, why);
            }
            Message::Cancelled { id } => {
                let is_left = self.left_alone.remove(&id).is_some();
                let goes = |job: &Entry| job.never_began() || job.gate.is_some();
                if is_left || self.jobs.get(&id).is_some_and(goes) {
                    self.jobs.remove(&id);
                    actions.push(Action::Drop(id));
                } else if let Some(job) = self.jobs.get_mut(&id) {
                    job.has_news = true;
                }
            }
            Message::Needs { id, ticket, need } => self.ask(id, ticket, need, &mut actions),
            Message::Takes { id, ticket, need } => {
                let need = self.placed_of(&id, need);
                if let Some(job) = self.jobs.get_mut(&id).filter(|job| job.runs) {
                    (job.asks, job.held) = (None, Some(Held { ticket, need }));
                }
            }
            Message::Frees { id, ticket } => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.held.take_if(|held| held.ticket == ticket);
                    if job.runs {
                        job.asks.take_if(|ask| ask.ticket == ticket);
                    }
                }
            }
        }
        while let Some(id) = self.resume_one() {
            actions.push(Action::Start(id));
        }
        for kind in Kind::ALL {
            while let Some(action) = self.grant_one(kind) {
                actions.push(action);
            }
        }
        actions
    }

    /// Returns the running jobs that do nothing but wait.
    #[must_use]
    pub fn idle(&self) -> Vec<String> {
        let waits = |job: &Entry| job.runs && (job.asks.is_some() || job.paused.is_some());
        self.jobs.iter().filter(|(_, job)| waits(job)).map(|(id, _)| id.clone()).collect()
    }

    fn order(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn ask(&mut self, id: String, ticket: u64, need: Need, actions: &mut Vec<Action>) {
        let (order, need) = (self.order(), self.placed_of(&id, need));
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.runs) else { return };
        job.asks = None;
        match &mut job.held {
            Some(held) if held.need == need => {
                held.ticket = ticket;
                actions.push(Action::Grant { id, ticket });
                return;
            }
            Some(Held { need: Need::Checkout, .. }) if need == Need::Build => {}
            held => *held = None,
        }
        job.asks = Some(Ask { ticket, need, order, passed: 0 });
    }

    /// Returns a job's need with the places that are meant by its names.
    fn placed_of(&self, id: &str, need: Need) -> Need {
        match self.jobs.get(id) {
            Some(job) => self.placed(&job.app.project, need),
            None => need,
        }
    }

    /// Returns a need of a project with the places that are meant by its names.
    fn placed(&self, project: &str, need: Need) -> Need {
        match (need, &self.shared) {
            (Need::Release(names), Some(shared)) => Need::Release(
                names
                    .into_iter()
                    .map(|name| if shared.contains(&name) { name } else { own(project, &name) })
                    .collect(),
            ),
            (need, _) => need,
        }
    }

    fn running(&self) -> Running<'_> {
        let mut running = Running::default();
        for (id, job) in self.jobs.iter().filter(|(_, job)| job.runs) {
            running.jobs.insert(&job.app, id);
            *running.projects.entry(&job.app.project).or_default() += 1;
        }
        running
    }

    /// Returns the number of jobs that may run for this one to begin. One project does not fill all places: its jobs
    /// may wait for a release for hours.
    fn room(&self, job: &Entry, running: &Running<'_>) -> usize {
        let limit = self.limits.running.max(1);
        let is_first = job.begun || running.of(&job.app.project) == 0;
        if is_first { limit } else { limit - limit / KEPT_SHARE }
    }

    /// Returns the order and the id of each app's oldest job that has not begun. Those of one app begin in their order, whatever
    /// the kinds of their first work: a deploy that waits must not undo a later rollback.
    fn oldest(&self) -> BTreeMap<&App, (u64, &str)> {
        let mut oldest = BTreeMap::new();
        for (id, job) in self.jobs.iter().filter(|(_, job)| job.never_began()) {
            let first = oldest.entry(&job.app).or_insert((job.order, id.as_str()));
            *first = (job.order, id.as_str()).min(*first);
        }
        oldest
    }

    fn may_begin(&self, job: &Entry, running: &Running<'_>) -> bool {
        !self.is_draining
            && running.jobs.len() < self.room(job, running)
            && !running.jobs.contains_key(&job.app)
    }

    /// Starts one of the jobs that an earlier run began.
    fn resume_one(&mut self) -> Option<String> {
        if !self.jobs.values().any(Entry::is_resumable) {
            return None;
        }
        let running = self.running();
        let next = self
            .jobs
            .iter()
            .filter(|(_, job)| job.is_resumable() && self.may_begin(job, &running))
            .min_by_key(|(_, job)| (running.of(&job.app.project), job.order))
            .map(|(id, _)| id.clone())?;
        self.jobs.get_mut(&next)?.begin_run();
        Some(next)
    }

    fn taken(&self, kind: Kind) -> Taken<'_> {
        let mut taken = Taken::default();
        for job in self.jobs.values() {
            let Some(held) = job.held.as_ref().filter(|held| held.need.kind() == kind) else {
                continue;
            };
            for place in held.need.places() {
                let projects = taken.0.entry(place).or_default();
                *projects.entry(&job.app.project).or_default() += 1;
            }
        }
        taken
    }

    /// Returns the jobs that wait for a slot of this kind, the first first.
    fn line<'a>(
        &'a self,
        kind: Kind,
        taken: &Taken<'_>,
    ) -> Vec<(Place, &'a str, &'a Entry, &'a Ask)> {
        let waiting = self.jobs.iter().filter_map(|(id, job)| {
            let ask = job.asks.as_ref().filter(|ask| ask.need.kind() == kind)?;
            let load = taken.load(&ask.need, &job.app.project);
            let place = (!job.begun, load, ask.passed < MOST_PASSED, ask.order);
            Some((place, id.as_str(), job, ask))
        });
        let mut line: Vec<_> = waiting.collect();
        line.sort_by_key(|(place, ..)| *place);
        line
    }

    /// Grants one slot of this kind. A job that has not begun starts with it.
    fn grant_one(&mut self, kind: Kind) -> Option<Action> {
        let (id, passed) = self.choose(kind)?;
        for id in passed {
            if let Some(ask) = self.jobs.get_mut(&id).and_then(|job| job.asks.as_mut()) {
                ask.passed += 1;
            }
        }
        let job = self.jobs.get_mut(&id)?;
        let Ask { ticket, need, .. } = job.asks.take()?;
        job.held = Some(Held { ticket, need });
        if job.runs {
            return Some(Action::Grant { id, ticket });
        }
        job.begin_run();
        Some(Action::Start(id))
    }

    /// Returns the next job that gets a slot of this kind, with those that it passes over.
    fn choose(&self, kind: Kind) -> Option<(String, Vec<String>)> {
        let limit = self.limits.of(kind);
        let taken = self.taken(kind);
        // Most messages find all slots taken: the line is not worth making then.
        if kind != Kind::Release && taken.at("") >= limit {
            return None;
        }
        let running = self.running();
        let oldest = self.oldest();
        let line = self.line(kind, &taken);
        let is_next = |job: &Entry| oldest.get(&job.app).is_some_and(|(one, _)| *one == job.order);
        let may_go = |job: &Entry| job.runs || is_next(job) && self.may_begin(job, &running);
        // The first of those that were passed over has all its places: they do not wait for one another.
        let mut kept: BTreeMap<&str, Kept<'_>> = BTreeMap::new();
        for ((_, load, ..), _, job, ask) in &line {
            if ask.passed >= MOST_PASSED && may_go(job) {
                for place in ask.need.places() {
                    let (order, begun, project) = (ask.order, job.begun, &*job.app.project);
                    kept.entry(place).or_insert(Kept { order, begun, project, load: *load });
                }
            }
        }
        for ((_, load, ..), id, job, ask) in &line {
            if !may_go(job) {
                continue;
            }
            let is_free = |place: &&str| {
                let kept = kept.get(place).filter(|kept| kept.is_kept_from(ask, job, *load));
                taken.at(place) + usize::from(kept.is_some()) < limit
            };
            if ask.need.places().iter().all(is_free) {
                let passed = line.iter().filter(|(_, _, _, other)| is_passed(other, ask));
                let passed = passed.map(|(_, other, ..)| (*other).to_owned()).collect();
                return Some(((*id).to_owned(), passed));
            }
        }
        None
    }

    /// Returns the use of all slots. Those of releases are listed for these clusters.
    #[must_use]
    pub fn usage(&self, clusters: &[String]) -> Usage {
        usage::usage(self.limits, self.jobs.values(), clusters)
    }

    /// Returns why jobs wait. A job that does not wait, or is unknown, is left out.
    #[must_use]
    pub fn waits(&self, ids: &[&str]) -> BTreeMap<String, Wait> {
        let mut waits = BTreeMap::new();
        let mut slots: Vec<(&str, Kind)> = Vec::new();
        let running = self.running();
        let oldest = self.oldest();
        let older = |job: &Entry| {
            let first = oldest.get(&job.app).filter(|_| job.never_began());
            first.filter(|(order, _)| *order < job.order).map(|&(_, id)| id.to_owned())
        };
        for &id in ids {
            let wait = match self.jobs.get(id) {
                None => self.left_alone.get(id).cloned().map(Wait::LeftAlone),
                Some(Entry { gate: Some(gate), .. }) => {
                    Some(Wait::Approval { gate: *gate, job: id.to_owned() })
                }
                Some(Entry { paused: Some(why), .. }) => Some(Wait::Paused(why.clone())),
                Some(job) if !job.runs && running.jobs.contains_key(&job.app) => {
                    running.jobs.get(&job.app).map(|&other| Wait::App { job: other.to_owned() })
                }
                Some(job) if !job.runs && running.jobs.len() >= self.room(job, &running) => {
                    Some(Wait::Running { limit: self.room(job, &running) })
                }
                Some(job) if older(job).is_some() => older(job).map(|job| Wait::Order { job }),
                Some(job) => {
                    slots.extend(job.asks.as_ref().map(|ask| (id, ask.need.kind())));
                    None
                }
            };
            waits.extend(wait.map(|wait| (id.to_owned(), wait)));
        }
        for kind in Kind::ALL {
            let ids = slots.iter().filter(|(_, other)| *other == kind);
            let ids: BTreeSet<_> = ids.map(|(id, _)| *id).collect();
            if !ids.is_empty() {
                self.slot_waits(kind, &ids, &mut waits);
            }
        }
        waits
    }

    fn slot_waits(&self, kind: Kind, ids: &BTreeSet<&str>, waits: &mut BTreeMap<String, Wait>) {
        let limit = self.limits.of(kind);
        let taken = self.taken(kind);
        let line = self.line(kind, &taken);
        for (index, (_, id, job, ask)) in line.iter().enumerate() {
            if !ids.contains(id) {
                continue;
            }
            let places = ask.need.places();
            let before = match kind {
                Kind::Checkout | Kind::Build => index,
                Kind::Release => line
                    .iter()
                    .take(index)
                    .filter(|(_, _, _, other)| overlap(&other.need.places(), &places))
                    .count(),
            };
            let fullest = places.iter().max_by_key(|place| taken.at(place)).copied();
            let full = places.iter().filter(|place| taken.at(place) >= limit);
            let wait = SlotWait {
                kind,
                clusters: full
                    .filter(|name| !name.is_empty())
                    .map(|place| shown(place).to_owned())
                    .collect(),
                limit,
                taken: fullest.map(|place| taken.at(place)).unwrap_or_default(),
                own: fullest.map(|place| taken.by(place, &job.app.project)).unwrap_or_default(),
                before,
            };
            waits.insert((*id).to_owned(), Wait::Slot(wait));
        }
    }
}

/// Returns the place that a cluster of a project's own is. No name of a project or cluster has a `/`.
fn own(project: &str, name: &str) -> String {
    format!("{project}/{name}")
}

/// Returns the name of the cluster that a place is.
fn shown(place: &str) -> &str {
    place.split_once('/').map_or(place, |(_, name)| name)
}

/// Returns whether a grant passes over a request that waits longer: it needs one of the same clusters, and
/// others besides.
fn is_passed(waiting: &Ask, granted: &Ask) -> bool {
    let (waits, gets) = (waiting.need.places(), granted.need.places());
    waiting.order < granted.order
        && overlap(&waits, &gets)
        && !waits.iter().all(|place| gets.contains(place))
}
