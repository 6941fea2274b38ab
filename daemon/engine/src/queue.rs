//! Queue of jobs: which job runs next. Pure: it takes messages and returns actions. The store is the source
//! of truth; the queue is rebuilt from it at each start.
//!
//! At most so many jobs run at once, and never two of one app. A newer job of an app takes the place of a
//! waiting one, if it goes to all the clusters of that one. Among projects, the one with the fewest running
//! jobs goes first.

use std::collections::{BTreeMap, VecDeque};
use windlass_model::{app::App, job::Job};

/// Message to the queue about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A job was accepted, or was found unfinished at start. Messages come in the order of acceptance.
    Submitted {
        id: String,
        app: App,
        clusters: Vec<String>,
        /// An earlier run began the job: it goes before all others, and no job takes its place.
        begun: bool,
    },
    /// A job has ended.
    Ended { id: String },
    /// A job's run has ended and the job has not: the journal was lost. The job goes on before all others, and
    /// no job takes its place.
    Again { id: String },
    /// A job was cancelled. One that had begun rolls back by itself.
    Cancelled { id: String },
}

/// Action that the queue decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Run this job now.
    Start(String),
    /// End this job, which never began: a newer job of its app is there.
    Supersede {
        /// Id of the older job.
        id: String,
        /// Id of the newer job.
        by: String,
    },
    /// End this job, which never began: it was cancelled.
    Drop(String),
}

/// Waiting and running jobs.
#[derive(Debug)]
pub struct Queue {
    limit: usize,
    waiting: VecDeque<Waiting>,
    running: BTreeMap<String, App>,
}

#[derive(Debug)]
struct Waiting {
    id: String,
    app: App,
    clusters: Vec<String>,
    begun: bool,
}

impl Waiting {
    /// Returns whether a newer job leaves nothing of this one to do.
    fn is_covered_by(&self, app: &App, clusters: &[String]) -> bool {
        !self.begun && self.app == *app && self.clusters.iter().all(|name| clusters.contains(name))
    }
}

impl Message {
    /// Returns the message that a job was accepted, or found unfinished.
    #[must_use]
    pub fn submitted(job: &Job, begun: bool) -> Self {
        let id = job.id.clone();
        let app = job.app.clone();
        Self::Submitted { id, app, clusters: job.clusters.names.clone(), begun }
    }
}

impl Queue {
    /// Makes an empty queue that lets at most `limit` jobs run at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), waiting: VecDeque::new(), running: BTreeMap::new() }
    }

    /// Takes a message, and returns the actions that follow from it, in order.
    pub fn take(&mut self, message: Message) -> Vec<Action> {
        let mut actions = Vec::new();
        match message {
            // Found in the store at start, and submitted by its client too.
            Message::Submitted { id, .. } if self.knows(&id) => {}
            Message::Submitted { id, app, clusters, begun: true } => {
                self.waiting.push_front(Waiting { id, app, clusters, begun: true });
            }
            Message::Submitted { id, app, clusters, begun: false } => {
                self.waiting.retain(|older| {
                    let goes = older.is_covered_by(&app, &clusters);
                    if goes {
                        actions.push(Action::Supersede { id: older.id.clone(), by: id.clone() });
                    }
                    !goes
                });
                self.waiting.push_back(Waiting { id, app, clusters, begun: false });
            }
            Message::Again { id } => {
                if let Some(app) = self.running.remove(&id) {
                    let clusters = Vec::new();
                    self.waiting.push_front(Waiting { id, app, clusters, begun: true });
                }
            }
            Message::Ended { id } => {
                self.running.remove(&id);
            }
            Message::Cancelled { id } => self.waiting.retain(|waiting| {
                let drops = waiting.id == id && !waiting.begun;
                if drops {
                    actions.push(Action::Drop(id.clone()));
                }
                !drops
            }),
        }
        while let Some(id) = self.start_one() {
            actions.push(Action::Start(id));
        }
        actions
    }

    fn knows(&self, id: &str) -> bool {
        self.running.contains_key(id) || self.waiting.iter().any(|waiting| waiting.id == id)
    }

    fn start_one(&mut self) -> Option<String> {
        if self.running.len() >= self.limit {
            return None;
        }
        let load = |app: &App| self.running.values().filter(|r| r.project == app.project).count();
        let next = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, job)| !self.running.values().any(|running| *running == job.app))
            .min_by_key(|(index, job)| (!job.begun, load(&job.app), *index))
            .map(|(index, _)| index)?;
        let Waiting { id, app, .. } = self.waiting.remove(next)?;
        self.running.insert(id.clone(), app);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submitted(id: &str, project: &str, name: &str) -> Message {
        let app = App::new(project, name, "").unwrap();
        Message::Submitted { id: id.into(), app, clusters: clusters(&["eu"]), begun: false }
    }

    fn clusters(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn start(id: &str) -> Action {
        Action::Start(id.into())
    }

    #[test]
    fn the_newest_waiting_job_of_an_app_is_the_only_one() {
        let mut queue = Queue::new(4);
        assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
        assert_eq!(queue.take(submitted("2", "p", "a")), []);
        let superseded = Action::Supersede { id: "2".into(), by: "3".into() };
        assert_eq!(queue.take(submitted("3", "p", "a")), [superseded]);
        assert_eq!(queue.take(Message::Ended { id: "1".into() }), [start("3")]);
    }

    /// A job for fewer clusters does not do the work of one for more.
    #[test]
    fn a_job_for_fewer_clusters_takes_no_ones_place() {
        let app = || App::new("p", "a", "").unwrap();
        let of = |id: &str, names| Message::Submitted {
            id: id.into(),
            app: app(),
            clusters: clusters(names),
            begun: false,
        };
        let mut queue = Queue::new(4);
        assert_eq!(queue.take(of("1", &["eu"])), [start("1")]);
        assert_eq!(queue.take(of("2", &["eu", "us"])), []);
        assert_eq!(queue.take(of("3", &["eu"])), []);
        let superseded = |id: &str| Action::Supersede { id: id.into(), by: "4".into() };
        assert_eq!(queue.take(of("4", &["us", "eu"])), [superseded("2"), superseded("3")]);
    }

    /// The job's rollout may be half made: it is neither dropped nor overtaken, and takes no one's place.
    #[test]
    fn a_job_that_had_begun_goes_first_and_stays() {
        let mut queue = Queue::new(1);
        assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
        assert_eq!(queue.take(submitted("2", "p", "a")), []);
        assert_eq!(queue.take(submitted("2", "p", "a")), [], "submitted twice");
        assert_eq!(queue.take(Message::Again { id: "1".into() }), [start("1")]);
        queue.take(submitted("3", "q", "b"));
        let app = App::new("q", "c", "").unwrap();
        queue.take(Message::Submitted { id: "0".into(), app, clusters: vec![], begun: true });
        assert_eq!(queue.take(Message::Cancelled { id: "0".into() }), []);
        assert_eq!(queue.take(Message::Ended { id: "1".into() }), [start("0")]);
    }

    #[test]
    fn a_project_with_a_hundred_jobs_does_not_starve_another() {
        let mut queue = Queue::new(2);
        for n in 0..100 {
            queue.take(submitted(&format!("big{n}"), "big", &format!("a{n}")));
        }
        queue.take(submitted("small", "small", "a"));
        assert_eq!(queue.take(Message::Ended { id: "big0".into() }), [start("small")]);
    }
}
