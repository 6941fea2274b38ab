//! Jobs in the queue, and what they have and wait for.

use super::need::Need;
use std::collections::BTreeMap;
use windlass_model::{app::App, job::Gate};

/// Job in the queue.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) app: App,
    pub(super) clusters: Vec<String>,
    /// Place in the order of acceptance.
    pub(super) order: u64,
    /// An earlier run began the job.
    pub(super) begun: bool,
    /// A run is at work.
    pub(super) runs: bool,
    pub(super) asks: Option<Ask>,
    pub(super) held: Option<Held>,
    /// Gate at which the job waits for an approval. `None` means that it waits for none.
    pub(super) gate: Option<Gate>,
    /// The run may end for a newer job of the app: most requests still go to the version before.
    pub(super) yields: bool,
    /// The run was asked to stop for a newer job.
    pub(super) is_stopped: bool,
    /// Somebody approved the job, or asked it to stop, since its run began. The run may end without having seen it.
    pub(super) has_news: bool,
    /// Reason for which the next run has to wait.
    pub(super) paused: Option<String>,
}

/// Request of a slot that is not granted yet.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) ticket: u64,
    pub(super) need: Need,
    pub(super) order: u64,
    /// Number of later requests that passed this one over.
    pub(super) passed: u32,
}

/// Slot that a job has.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) ticket: u64,
    pub(super) need: Need,
}

/// Place in the line for a slot, least first: begun by an earlier run, load of the project, passed over too often,
/// order.
pub(super) type Place = (bool, usize, bool, u64);

/// Slot in a cluster that is kept free for a release that was passed over too often.
pub(super) struct Kept<'a> {
    /// Order of its request.
    pub(super) order: u64,
    pub(super) begun: bool,
    pub(super) project: &'a str,
    pub(super) load: usize,
}

impl Kept<'_> {
    /// Returns whether the slot is kept from a request of a job with this load of its project.
    pub(super) fn is_kept_from(&self, ask: &Ask, job: &Entry, load: usize) -> bool {
        self.order != ask.order
            && job.begun <= self.begun
            && (self.project == job.app.project || load >= self.load)
    }
}

/// Jobs that run: their ids by app, and their number by project.
#[derive(Default)]
pub(super) struct Running<'a> {
    pub(super) jobs: BTreeMap<&'a App, &'a str>,
    pub(super) projects: BTreeMap<&'a str, usize>,
}

impl Running<'_> {
    pub(super) fn of(&self, project: &str) -> usize {
        self.projects.get(project).copied().unwrap_or_default()
    }
}

/// Slots of one kind that are taken: by place, then by project.
#[derive(Default)]
pub(super) struct Taken<'a>(pub(super) BTreeMap<&'a str, BTreeMap<&'a str, usize>>);

impl Taken<'_> {
    pub(super) fn at(&self, place: &str) -> usize {
        self.0.get(place).map(|projects| projects.values().sum()).unwrap_or_default()
    }

    pub(super) fn by(&self, place: &str, project: &str) -> usize {
        self.0.get(place).and_then(|projects| projects.get(project)).copied().unwrap_or_default()
    }

    pub(super) fn load(&self, need: &Need, project: &str) -> usize {
        need.places().into_iter().map(|place| self.by(place, project)).max().unwrap_or_default()
    }
}

impl Entry {
    /// Returns whether this job ends for a newer one, which goes to these clusters. One that never began has its turn
    /// before the newer one, and stays where that does not go to all of its clusters. One at a gate, or one that runs and
    /// yields, may wait for days.
    pub(super) fn gives_way(&self, app: &App, clusters: &[String]) -> bool {
        let is_shared = |name: &String| clusters.contains(name);
        let goes = if self.gate.is_some() || self.yields {
            self.clusters.iter().any(is_shared)
        } else {
            self.never_began() && self.clusters.iter().all(is_shared)
        };
        goes && self.app == *app
    }

    pub(super) fn never_began(&self) -> bool {
        !self.runs && !self.begun
    }

    /// Returns whether an earlier run began the job, and the next may come.
    pub(super) fn is_resumable(&self) -> bool {
        self.begun && !self.runs && self.gate.is_none()
    }

    /// Ends the run of the job, which gives all back that it has.
    pub(super) fn end_run(&mut self) {
        (self.runs, self.begun, self.paused) = (false, true, None);
        (self.yields, self.is_stopped) = (false, false);
        (self.asks, self.held) = (None, None);
    }

    /// Begins a run of the job.
    pub(super) fn begin_run(&mut self) {
        (self.runs, self.has_news) = (true, false);
    }
}
