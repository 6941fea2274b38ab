//! Fake of the journal, which outlives the daemon.

use super::fault::{Fault, Faults};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::watch;
use windlass_engine::journal::{Journal, JournalLost};
use windlass_model::{
    app::App,
    event::Event,
    job::Release,
    outcome::{Outcome, Stop},
};

/// Journal of one job's events, with the releases of all jobs and the stop of this one.
pub(crate) struct FakeJournal {
    faults: Faults,
    /// Events as JSON, since an event must be readable again.
    events: Mutex<Vec<String>>,
    /// Last release that succeeded, by cluster.
    released: Mutex<BTreeMap<String, Release>>,
    stop: watch::Sender<Option<Stop>>,
}

impl FakeJournal {
    pub(super) fn new(faults: &Faults) -> Self {
        Self {
            faults: faults.clone(),
            events: Mutex::default(),
            released: Mutex::default(),
            stop: watch::Sender::new(None),
        }
    }

    /// Stores a release that succeeded.
    pub(super) fn record(&self, release: &Release) {
        let all = release.clusters.iter().map(|cluster| (cluster.clone(), release.clone()));
        self.released.lock().unwrap().extend(all);
    }

    pub(super) fn events(&self) -> Vec<Event> {
        let events = self.events.lock().unwrap();
        events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    /// Returns the channel by which a run learns that the job is to stop.
    pub(super) fn stop(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.subscribe()
    }

    /// Cancels the job.
    pub(crate) fn cancel(&self) {
        self.stop.send_replace(Some(Stop::Cancelled { by: "someone".into() }));
    }

    /// Makes room for another job, which has no events yet.
    pub(crate) fn begin_another_job(&self) {
        self.events.lock().unwrap().clear();
    }

    /// Loses all releases, as where another tool made them or the cluster got another name.
    pub(crate) fn lose_releases(&self) {
        self.released.lock().unwrap().clear();
    }
}

#[async_trait]
impl Journal for FakeJournal {
    async fn append(&self, event: Event) -> Result<(), JournalLost> {
        let mut events = self.events.lock().unwrap();
        let is_over =
            |fault: &Fault| matches!(fault, Fault::KilledAfter(all) if events.len() >= *all);
        if self.faults.any(is_over) {
            return Err(JournalLost::Unavailable("killed".into()));
        }
        let hiccup = Fault::Hiccup(events.len());
        if self.faults.has(&hiccup) {
            self.faults.remove(|fault| *fault == hiccup);
            return Err(JournalLost::Unavailable("no room for a second".into()));
        }
        if let Event::StepFinished(cursor) = &event
            && self.faults.has(&Fault::CancelledAfter(*cursor))
        {
            self.cancel();
        }
        if let Event::Ended(Outcome::Succeeded(release)) = &event {
            self.record(release);
        }
        if let Event::Ended(Outcome::Removed(removed)) = &event {
            let mut released = self.released.lock().unwrap();
            released.retain(|cluster, _| !removed.clusters.contains(cluster));
        }
        events.push(serde_json::to_string(&event).unwrap());
        Ok(())
    }

    async fn last_release(&self, _: &App, cluster: &str) -> Result<Option<Release>, JournalLost> {
        if self.faults.has(&Fault::HiccupOfReleases) {
            self.faults.remove(|fault| *fault == Fault::HiccupOfReleases);
            return Err(JournalLost::Unavailable("no answer for a second".into()));
        }
        Ok(self.released.lock().unwrap().get(cluster).cloned())
    }
}
