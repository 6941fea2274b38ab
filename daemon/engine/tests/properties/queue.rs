//! Properties of the queue: at most so many jobs at once, never two of one app, and no job is left behind.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use windlass_engine::queue::{Action, Message, Queue};
use windlass_model::app::App;

/// One thing that happens. A number chooses among the jobs that there are at that moment.
#[derive(Clone, Debug)]
enum Happens {
    Submitted {
        project: u8,
        name: u8,
        clusters: Vec<String>,
        begun: bool,
    },
    /// A job that is known is submitted a second time.
    Repeated(usize),
    Ended(usize),
    Again(usize),
    Cancelled(usize),
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
    let submitted = (0_u8..3, 0_u8..4, clusters, prop::bool::weighted(0.1)).prop_map(
        |(project, name, clusters, begun)| Happens::Submitted { project, name, clusters, begun },
    );
    prop_oneof![
        6 => submitted,
        1 => any::<usize>().prop_map(Happens::Repeated),
        3 => any::<usize>().prop_map(Happens::Ended),
        1 => any::<usize>().prop_map(Happens::Again),
        1 => any::<usize>().prop_map(Happens::Cancelled),
    ]
}

/// Job as the queue was given it.
#[derive(Clone, Debug)]
struct Submitted {
    app: App,
    clusters: Vec<String>,
    begun: bool,
}

/// The queue beside what is known of its jobs from its answers alone.
struct Watched {
    queue: Queue,
    limit: usize,
    waiting: BTreeMap<String, Submitted>,
    running: BTreeMap<String, Submitted>,
}

impl Watched {
    fn happens(&mut self, number: usize, what: Happens) {
        match what {
            Happens::Submitted { project, name, clusters, begun } => {
                let app = App::new(&format!("p{project}"), &format!("a{name}"), "").unwrap();
                let (id, job) = (number.to_string(), Submitted { app, clusters, begun });
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
            Happens::Ended(at) => {
                if let Some(id) = chosen(self.running.keys().cloned(), at) {
                    self.running.remove(&id);
                    self.take(Message::Ended { id });
                }
            }
            Happens::Again(at) => {
                if let Some(id) = chosen(self.running.keys().cloned(), at) {
                    let job = self.running.remove(&id).unwrap();
                    self.waiting.insert(id.clone(), Submitted { begun: true, ..job });
                    self.take(Message::Again { id });
                }
            }
            Happens::Cancelled(at) => {
                let nobody = ["nobody".to_owned()];
                let ids = self.waiting.keys().chain(self.running.keys()).chain(&nobody).cloned();
                let id = chosen(ids, at).unwrap();
                self.take(Message::Cancelled { id: id.clone() });
                assert!(self.waiting.get(&id).is_none_or(|job| job.begun), "{id} still waits");
            }
        }
    }

    fn take(&mut self, message: Message) {
        for action in self.queue.take(message) {
            match action {
                Action::Start(id) => self.starts(id),
                Action::Supersede { id, by } => {
                    let older = self.waiting.remove(&id).expect("only what waits is superseded");
                    let newer = &self.waiting[&by];
                    let covered = older.clusters.iter().all(|name| newer.clusters.contains(name));
                    assert!(covered && !older.begun && older.app == newer.app, "{id} by {by}");
                }
                Action::Drop(id) => {
                    let job = self.waiting.remove(&id).expect("only what waits is dropped");
                    assert!(!job.begun, "{id} was begun");
                }
            }
        }
        assert!(self.running.len() <= self.limit);
        if self.running.len() < self.limit {
            let busy = self.apps();
            let idle = self.waiting.values().find(|job| !busy.contains(&job.app));
            assert!(idle.is_none(), "there is room, and {idle:?} waits");
        }
    }

    fn starts(&mut self, id: String) {
        let busy = self.apps();
        let load = |job: &Submitted| {
            self.running.values().filter(|other| other.app.project == job.app.project).count()
        };
        let place = |job: &Submitted| (!job.begun, load(job));
        let free = self.waiting.values().filter(|job| !busy.contains(&job.app));
        let first = free.map(place).min().expect("only what waits is started");
        let job = self.waiting[&id].clone();
        assert!(!busy.contains(&job.app), "two of {}", job.app);
        assert_eq!(place(&job), first, "another goes before {id}");
        let is_before = |(other, waits): &(&String, &Submitted)| {
            !busy.contains(&waits.app) && place(waits) == first && number(other) < number(&id)
        };
        // What had begun comes in no order that anybody was promised.
        let older = self.waiting.iter().find(is_before);
        assert!(job.begun || older.is_none(), "{older:?} waits longer than {id}");
        self.waiting.remove(&id);
        self.running.insert(id, job);
    }

    fn apps(&self) -> BTreeSet<App> {
        self.running.values().map(|job| job.app.clone()).collect()
    }
}

/// Returns the place of a job in the order of submission.
fn number(id: &str) -> usize {
    id.parse().unwrap()
}

fn message(id: String, job: Submitted) -> Message {
    Message::Submitted { id, app: job.app, clusters: job.clusters, begun: job.begun }
}

/// Returns the item that a number stands for. `None` means that there is no item.
fn chosen<T>(all: impl Iterator<Item = T>, at: usize) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    if all.is_empty() { None } else { Some(all.swap_remove(at % all.len())) }
}

proptest! {
    #[test]
    fn never_two_of_one_app_never_too_many_and_nobody_is_left_behind(
        limit in 1_usize..5,
        course in prop::collection::vec(happens(), 0..150),
    ) {
        let queue = Queue::new(limit);
        let mut watched =
            Watched { queue, limit, waiting: BTreeMap::new(), running: BTreeMap::new() };
        for (number, what) in course.into_iter().enumerate() {
            watched.happens(number, what);
        }
        while let Some((id, _)) = watched.running.pop_first() {
            watched.take(Message::Ended { id });
        }
        prop_assert!(watched.waiting.is_empty(), "left behind: {:?}", watched.waiting);
    }
}
