//! Properties of the queue: never more slots than there are, never two jobs of one app, no job is left behind, and
//! no slot is lost, whatever happens in which order.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use windlass_engine::queue::{Action, Limits, Message, Need, Queue};
use windlass_model::{app::App, job::Gate};

/// One thing that happens. A number chooses among the jobs that there are at that moment.
#[derive(Clone, Debug)]
enum Happens {
    Submitted {
        project: u8,
        name: u8,
        clusters: Vec<String>,
        begun: bool,
        /// It builds nothing.
        is_rollback: bool,
    },
    /// A job that is known is submitted a second time.
    Repeated(usize),
    /// A running job asks for the slot of its next work. One that asks already is asked for nothing.
    Needs(usize, Work),
    /// A running job gives its slot back, or stops to wait for one.
    Frees(usize),
    Ended(usize),
    Paused(usize),
    Again(usize),
    LeftAlone(usize),
    Cancelled(usize),
    /// A running job comes to a gate.
    Held(usize),
    Approved(usize),
    /// A job says whether it gives way to a newer one. Only one that runs is heard.
    GivesWay(usize, bool),
    /// Somebody pauses or resumes a job.
    News(usize),
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Checkout,
    Build,
    Release,
}

fn happens() -> impl Strategy<Value = Happens> {
    // Each bit is a cluster.
    let clusters = (1_u8..8).prop_map(|bits| {
        let names = ["eu", "us", "asia"].into_iter().enumerate();
        names
            .filter(|(bit, _)| bits & (1_u8 << *bit) != 0)
            .map(|(_, name)| name.to_owned())
            .collect::<Vec<_>>()
    });
    let weighted = prop::bool::weighted;
    let submitted = (0_u8..3, 0_u8..4, clusters, weighted(0.1), weighted(0.2)).prop_map(
        |(project, name, clusters, begun, is_rollback)| Happens::Submitted {
            project,
            name,
            clusters,
            begun,
            is_rollback,
        },
    );
    let work = prop_oneof![Just(Work::Checkout), Just(Work::Build), Just(Work::Release)];
    prop_oneof![
        6 => submitted,
        1 => any::<usize>().prop_map(Happens::Repeated),
        6 => (any::<usize>(), work).prop_map(|(at, work)| Happens::Needs(at, work)),
        2 => any::<usize>().prop_map(Happens::Frees),
        3 => any::<usize>().prop_map(Happens::Ended),
        1 => any::<usize>().prop_map(Happens::Paused),
        1 => any::<usize>().prop_map(Happens::Again),
        1 => any::<usize>().prop_map(Happens::LeftAlone),
        1 => any::<usize>().prop_map(Happens::Cancelled),
        2 => any::<usize>().prop_map(Happens::Held),
        2 => any::<usize>().prop_map(Happens::Approved),
        3 => any::<(usize, bool)>().prop_map(|(at, gives_way)| Happens::GivesWay(at, gives_way)),
        1 => any::<usize>().prop_map(Happens::News),
    ]
}

/// Job as the queue was given it, and its slots as the queue's answers and the messages to it make them.
#[derive(Clone, Debug)]
struct Known {
    app: App,
    clusters: Vec<String>,
    first: Need,
    begun: bool,
    ticket: u64,
    /// Request that is not granted.
    asks: Option<Need>,
    /// Slot with the number of its request.
    held: Option<(u64, Need)>,
    /// It was approved or cancelled since its run began.
    has_news: bool,
    /// The run gives way.
    gives_way: bool,
    /// The run was asked to stop for a newer one.
    is_stopped: bool,
}

/// The queue beside what is known of its jobs from its answers alone.
struct Watched {
    queue: Queue,
    limits: Limits,
    waiting: BTreeMap<String, Known>,
    running: BTreeMap<String, Known>,
    /// Jobs that wait for an approval.
    at_gates: BTreeMap<String, Known>,
    left_alone: BTreeSet<String>,
}

impl Watched {
    fn new(limits: Limits) -> Self {
        Self {
            queue: Queue::new(limits),
            limits,
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            at_gates: BTreeMap::new(),
            left_alone: BTreeSet::new(),
        }
    }

    fn happens(&mut self, number: usize, what: Happens) {
        match what {
            Happens::Submitted { project, name, clusters, begun, is_rollback } => {
                let app = App::new(&format!("p{project}"), &format!("a{name}"), "").unwrap();
                let first =
                    if is_rollback { Need::Release(clusters.clone()) } else { Need::Checkout };
                let (ticket, asks, held) = (0, None, None);
                let (has_news, gives_way, is_stopped) = (false, false, false);
                let job = Known {
                    app,
                    clusters,
                    first,
                    begun,
                    ticket,
                    asks,
                    held,
                    has_news,
                    gives_way,
                    is_stopped,
                };
                let id = format!("{number:03}");
                self.waiting.insert(id.clone(), job.clone());
                self.take(message(id, job));
            }
            Happens::Repeated(at) => {
                let known = self.waiting.iter().chain(&self.running);
                let known = chosen(known.map(|(id, job)| (id.clone(), job.clone())), at);
                if let Some((id, job)) = known {
                    let before = (self.waiting.len(), self.running.len());
                    self.take(message(id, job));
                    assert_eq!(before, (self.waiting.len(), self.running.len()));
                }
            }
            Happens::Needs(at, work) => {
                let idle = self.running.iter().filter(|(_, job)| job.asks.is_none());
                let Some(id) = chosen(idle.map(|(id, _)| id.clone()), at) else { return };
                self.needs(&id, work);
            }
            Happens::Frees(at) => {
                let Some(id) = chosen(self.running.keys().cloned(), at) else { return };
                let job = self.running.get_mut(&id).unwrap();
                let ticket = match (job.asks.take(), job.held.take()) {
                    // Who waits for a build keeps the checkout's slot.
                    (Some(_), held) => {
                        job.held = held;
                        job.ticket
                    }
                    (None, Some((ticket, _))) => ticket,
                    (None, None) => return,
                };
                self.take(Message::Frees { id, ticket });
            }
            Happens::Ended(at) => {
                if let Some(id) = chosen(self.running.keys().cloned(), at) {
                    self.running.remove(&id);
                    self.take(Message::Ended { id });
                }
            }
            Happens::Paused(at) => {
                if let Some(id) = chosen(self.running.keys().cloned(), at) {
                    let job = self.running.get_mut(&id).unwrap();
                    (job.asks, job.held) = (None, None);
                    self.take(Message::Paused { id, why: "the store is away".into() });
                }
            }
            Happens::Again(at) => {
                if let Some(id) = chosen(self.running.keys().cloned(), at) {
                    let job = self.running.remove(&id).unwrap();
                    let job = Known { begun: true, asks: None, held: None, ..job };
                    self.waiting.insert(id.clone(), job);
                    self.take(Message::Again { id });
                }
            }
            Happens::LeftAlone(at) => {
                if let Some(id) = chosen(self.running.keys().cloned(), at) {
                    self.running.remove(&id);
                    self.left_alone.insert(id.clone());
                    self.take(Message::LeftAlone { id, why: "it makes no sense".into() });
                }
            }
            Happens::Cancelled(at) => {
                let nobody = ["nobody".to_owned()];
                let ids = self.waiting.keys().chain(self.running.keys());
                let ids = ids.chain(self.at_gates.keys()).chain(&self.left_alone).chain(&nobody);
                let id = chosen(ids.cloned(), at).unwrap();
                self.has_news(&id);
                self.take(Message::Cancelled { id: id.clone() });
                assert!(!self.at_gates.contains_key(&id), "{id} still waits at its gate");
                assert!(self.waiting.get(&id).is_none_or(|job| job.begun), "{id} still waits");
                assert!(!self.left_alone.contains(&id), "{id} is still left alone");
            }
            Happens::Held(at) => {
                let Some(id) = chosen(self.running.keys().cloned(), at) else { return };
                let job = self.running.remove(&id).unwrap();
                let job = Known { begun: true, asks: None, held: None, ..job };
                let to = if job.has_news { &mut self.waiting } else { &mut self.at_gates };
                to.insert(id.clone(), job);
                self.take(Message::Held { id, gate: Gate::Release });
            }
            Happens::Approved(at) => {
                let nobody = ["nobody".to_owned()];
                let ids = self.at_gates.keys().chain(self.running.keys());
                let id =
                    chosen(ids.chain(self.waiting.keys()).chain(&nobody).cloned(), at).unwrap();
                self.has_news(&id);
                self.approved(id);
            }
            Happens::GivesWay(at, gives_way) => {
                let id = self.any(at);
                if let Some(job) = self.running.get_mut(&id) {
                    job.gives_way = gives_way;
                }
                self.take(Message::GivesWay { id, gives_way });
            }
            Happens::News(at) => {
                let id = self.any(at);
                let before = (self.waiting.len(), self.running.len());
                self.take(Message::News { id });
                assert_eq!(before, (self.waiting.len(), self.running.len()));
            }
        }
    }

    /// Returns the id of a job in whatever state, or of none.
    fn any(&self, at: usize) -> String {
        let nobody = "nobody".to_owned();
        let ids = self.running.keys().chain(self.waiting.keys()).chain(self.at_gates.keys());
        chosen(ids.chain([&nobody]).cloned(), at).unwrap()
    }

    fn has_news(&mut self, id: &str) {
        if let Some(job) = self.running.get_mut(id) {
            job.has_news = true;
        }
    }

    fn approved(&mut self, id: String) {
        if let Some(job) = self.at_gates.remove(&id) {
            self.waiting.insert(id.clone(), job);
        }
        self.take(Message::Approved { id });
    }

    fn needs(&mut self, id: &str, work: Work) {
        let job = self.running.get_mut(id).unwrap();
        let need = match work {
            Work::Checkout => Need::Checkout,
            Work::Build => Need::Build,
            Work::Release => Need::Release(job.clusters.clone()),
        };
        job.ticket += 1;
        job.asks = Some(need.clone());
        let keeps = job.held.as_ref().is_some_and(|(_, held)| {
            *held == need || (*held == Need::Checkout && need == Need::Build)
        });
        if !keeps {
            job.held = None;
        }
        let ticket = job.ticket;
        self.take(Message::Needs { id: id.to_owned(), ticket, need });
    }

    fn take(&mut self, message: Message) {
        for action in self.queue.take(message) {
            match action {
                Action::Start(id) => self.starts(id),
                Action::Grant { id, ticket } => {
                    let job = self.running.get_mut(&id).expect("only what runs gets a slot");
                    assert_eq!(job.ticket, ticket, "{id}: of an earlier request");
                    let need = job.asks.take().expect("only who asks gets a slot");
                    job.held = Some((ticket, need));
                }
                Action::Supersede { id, by } => {
                    let at_gate = self.at_gates.remove(&id);
                    let is_at_gate = at_gate.is_some();
                    let older = at_gate.or_else(|| self.waiting.remove(&id));
                    let older = older.expect("only what waits is superseded");
                    // One that an earlier daemon began may wait at a gate itself.
                    let newer = self.waiting.get(&by).or_else(|| self.at_gates.get(&by));
                    let newer = newer.expect("only what waits takes a place");
                    let goes = if is_at_gate {
                        overlaps(newer, &older)
                    } else {
                        covers(newer, &older) && !older.begun
                    };
                    assert!(goes, "{id} by {by}");
                }
                Action::StopRunning { id, by } => {
                    let newer = self.waiting.get(&by).or_else(|| self.at_gates.get(&by));
                    let newer = newer.expect("only what waits takes a place").clone();
                    let older = self.running.get_mut(&id).expect("only what runs is stopped");
                    assert!(older.gives_way && !older.is_stopped, "{id} by {by}");
                    assert!(by > id && overlaps(&newer, older), "{id} by {by}");
                    older.is_stopped = true;
                }
                Action::Drop(id) if self.left_alone.remove(&id) => {}
                Action::Drop(id) if self.at_gates.remove(&id).is_some() => {}
                Action::Drop(id) => {
                    let job = self.waiting.remove(&id).expect("only what waits is dropped");
                    assert!(!job.begun, "{id} was begun");
                }
            }
            self.check_limits();
        }
        self.check_newer_ones_go_before_gates();
        self.check_nobody_holds_a_newer_one_up();
        self.check_nobody_waits_in_vain();
    }

    fn check_limits(&self) {
        assert!(self.running.len() <= self.limits.running);
        assert!(self.taken(&Need::Checkout, None) <= self.limits.checkouts);
        assert!(self.taken(&Need::Build, None) <= self.limits.builds);
        for cluster in ["eu", "us", "asia"] {
            let need = Need::Release(vec![cluster.to_owned()]);
            assert!(self.taken(&need, None) <= self.limits.releases, "{cluster}");
        }
    }

    /// Counts the slots that are taken where this work would be done, of all projects or of one.
    fn taken(&self, need: &Need, project: Option<&str>) -> usize {
        let of = |job: &&Known| project.is_none_or(|project| job.app.project == project);
        let held = || self.running.values().filter(of).filter_map(|job| job.held.as_ref());
        match need {
            Need::Release(clusters) => {
                let in_one = |name: &String| {
                    held()
                        .filter(
                            |(_, held)| matches!(held, Need::Release(all) if all.contains(name)),
                        )
                        .count()
                };
                clusters.iter().map(in_one).max().unwrap_or_default()
            }
            other => held().filter(|(_, held)| held == other).count(),
        }
    }

    fn limit(&self, need: &Need) -> usize {
        match need {
            Need::Checkout => self.limits.checkouts,
            Need::Build => self.limits.builds,
            Need::Release(_) => self.limits.releases,
        }
    }

    /// Whoever approved an older job would undo a newer one.
    fn check_newer_ones_go_before_gates(&self) {
        for (id, older) in &self.at_gates {
            let mut newer = self.waiting.range(id.clone()..).filter(|(_, job)| !job.begun);
            let newer = newer.find(|(_, newer)| overlaps(newer, older));
            assert!(newer.is_none(), "{id} waits at its gate beside {newer:?}");
        }
    }

    /// Whoever gives way does not keep a newer one waiting for days.
    fn check_nobody_holds_a_newer_one_up(&self) {
        for (id, older) in self.running.iter().filter(|(_, job)| job.gives_way && !job.is_stopped) {
            let mut newer = self.waiting.range(id.clone()..).filter(|(_, job)| !job.begun);
            let newer = newer.find(|(_, newer)| overlaps(newer, older));
            assert!(newer.is_none(), "{id} runs on beside {newer:?}");
        }
    }

    /// With a free slot for it, nobody waits. A cluster may be kept free for a release that was passed over.
    fn check_nobody_waits_in_vain(&self) {
        let is_free = |need: &Need| self.taken(need, None) < self.limit(need);
        let mut wanted = self.running.iter().filter_map(|(id, job)| Some((id, job.asks.as_ref()?)));
        let waits = wanted.find(|(_, need)| !matches!(need, Need::Release(_)) && is_free(need));
        assert!(waits.is_none(), "there is a slot, and {waits:?} waits");
        if self.running.len() < self.limits.running {
            let busy = self.apps();
            let may_begin = |(id, job): &(&String, &Known)| {
                !busy.contains(&job.app)
                    && (job.begun || job.first == Need::Checkout && is_free(&job.first))
                    && (job.begun || self.is_next(id, job))
            };
            let idle = self.waiting.iter().find(may_begin);
            assert!(idle.is_none(), "there is room, and {idle:?} waits");
        }
    }

    fn starts(&mut self, id: String) {
        let busy = self.apps();
        let mut job = self.waiting.remove(&id).expect("only what waits is started");
        assert!(!busy.contains(&job.app), "two of {}", job.app);
        if !job.begun {
            assert!(self.is_next(&id, &job), "{id} overtakes another of {}", job.app);
            let load = |job: &Known| self.taken(&job.first, Some(&job.app.project));
            let first = (load(&job), &id);
            let same = self.waiting.iter().filter(|(id, other)| {
                !other.begun
                    && other.first == job.first
                    && !busy.contains(&other.app)
                    && self.is_next(id, other)
            });
            let before = same.map(|(id, other)| (load(other), id)).min();
            // Of releases, one that was passed over goes first.
            let is_fair = job.first != Need::Checkout || before.is_none_or(|other| first < other);
            assert!(is_fair, "{before:?} goes before {first:?}");
            job.held = Some((0, job.first.clone()));
        }
        (job.has_news, job.gives_way, job.is_stopped) = (false, false, false);
        self.running.insert(id, job);
    }

    /// Returns whether a job is the oldest of its app that has not begun.
    fn is_next(&self, id: &str, job: &Known) -> bool {
        let mut older = self.waiting.iter().take_while(|(other, _)| other.as_str() < id);
        !older.any(|(_, other)| !other.begun && other.app == job.app)
    }

    fn apps(&self) -> BTreeSet<App> {
        self.running.values().map(|job| job.app.clone()).collect()
    }
}

/// Returns whether a newer job leaves nothing of an older one to do.
fn covers(newer: &Known, older: &Known) -> bool {
    newer.app == older.app && older.clusters.iter().all(|name| newer.clusters.contains(name))
}

/// Returns whether a newer job goes to one of the clusters of an older one.
fn overlaps(newer: &Known, older: &Known) -> bool {
    newer.app == older.app && older.clusters.iter().any(|name| newer.clusters.contains(name))
}

fn message(id: String, job: Known) -> Message {
    let Known { app, clusters, first, begun, .. } = job;
    Message::Submitted { id, app, clusters, first, begun }
}

/// Returns the item that a number stands for. `None` means that there is no item.
fn chosen<T>(all: impl Iterator<Item = T>, at: usize) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    if all.is_empty() { None } else { Some(all.swap_remove(at % all.len())) }
}

proptest! {
    #[test]
    fn never_too_many_never_two_of_one_app_and_nobody_is_left_behind(
        (running, checkouts, builds, releases) in (1_usize..6, 1_usize..4, 1_usize..4, 1_usize..4),
        course in prop::collection::vec(happens(), 0..150),
    ) {
        let limits = Limits { running, checkouts, builds, releases };
        let mut watched = Watched::new(limits);
        for (number, what) in course.into_iter().enumerate() {
            watched.happens(number, what);
        }
        while let Some(id) = watched.at_gates.keys().next().cloned() {
            watched.approved(id);
        }
        // Whoever runs releases next, and then ends: nobody waits for ever, and no slot was lost.
        for _ in 0..1000 {
            let Some((id, _)) = watched.running.iter().find(|(_, job)| job.asks.is_none()) else {
                break;
            };
            let id = id.clone();
            let releases = |job: &Known| matches!(job.held, Some((_, Need::Release(_))));
            if releases(&watched.running[&id]) {
                watched.running.remove(&id);
                watched.take(Message::Ended { id });
            } else {
                watched.needs(&id, Work::Release);
            }
        }
        prop_assert!(watched.running.is_empty(), "in vain: {:?}", watched.running);
        prop_assert!(watched.waiting.is_empty(), "left behind: {:?}", watched.waiting);
    }
}
