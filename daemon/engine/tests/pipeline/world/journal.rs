//! Fake of the journal, which outlives the daemon.

use super::fault::{Fault, Faults};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::watch;
use windlass_engine::journal::{Journal, JournalLost};
use windlass_model::{
    app::App,
    approval::Approval,
    contraction::Contraction,
    event::Event,
    job::{Gate, Release},
    outcome::{Outcome, Stop},
    pause::{Interventions, Pause, Resume},
    replay::is_cleaning_up,
    runtime::MigrationPhase,
};

/// Journal of one job's events, with the releases of all jobs and the stop of this one.
pub(crate) struct FakeJournal {
    faults: Faults,
    /// Events as JSON, since an event must be readable again.
    events: Mutex<Vec<String>>,
    /// Last release that succeeded, by cluster.
    released: Mutex<BTreeMap<String, Release>>,
    /// Times of migrations that were done, by cluster and key.
    migrated: Mutex<BTreeMap<(String, String), u64>>,
    /// Last contractions, by cluster.
    contracted: Mutex<BTreeMap<String, Contraction>>,
    stop: watch::Sender<Option<Stop>>,
    interventions: Mutex<Interventions>,
    /// Number of interventions.
    news: watch::Sender<u64>,
}

impl FakeJournal {
    pub(super) fn new(faults: &Faults) -> Self {
        Self {
            faults: faults.clone(),
            events: Mutex::default(),
            released: Mutex::default(),
            migrated: Mutex::default(),
            contracted: Mutex::default(),
            stop: watch::Sender::new(None),
            interventions: Mutex::default(),
            news: watch::Sender::new(0),
        }
    }

    /// Returns the approvals that were given.
    pub(super) fn given(&self) -> Vec<Approval> {
        self.interventions.lock().unwrap().approvals.clone()
    }

    /// Returns the channel by which a run learns that somebody intervened.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Approves what has this digest.
    pub(crate) fn approve(&self, gate: Gate, digest: &str) {
        let (by, note) = ("ann".to_owned(), "looks good".to_owned());
        let approval = Approval { gate, digest: digest.into(), by, note, at_ms: 1 };
        self.intervene(|all| all.approvals.push(approval));
    }

    /// Pauses the job.
    pub(crate) fn pause(&self) {
        let (by, note) = ("ann".to_owned(), "wait".to_owned());
        self.intervene(|all| all.pause = Some(Pause { by, note, at_ms: 1 }));
    }

    /// Ends the pause of the job.
    pub(crate) fn resume(&self) {
        let (by, note) = ("bob".to_owned(), "go on".to_owned());
        self.intervene(|all| (all.pause, all.resumed) = (None, Some(Resume { by, note })));
    }

    fn intervene(&self, change: impl FnOnce(&mut Interventions)) {
        change(&mut self.interventions.lock().unwrap());
        self.news.send_modify(|number| *number += 1);
    }

    /// Stops the job for a newer one.
    pub(crate) fn supersede(&self) {
        self.ask_to_stop(Stop::Superseded { by: "job-2".into() });
    }

    /// Stores that the job is to stop, and tells its run.
    fn ask_to_stop(&self, why: Stop) {
        self.interventions.lock().unwrap().stop = Some(why.clone());
        self.stop.send_replace(Some(why));
    }

    /// Does what people do when they see an event.
    fn shown(&self, event: &Event) {
        match event {
            Event::Held { gate: gate @ Gate::Traffic, digest, .. }
                if self.faults.has(&Fault::Approves) =>
            {
                self.approve(*gate, digest);
            }
            Event::StepStarted(cursor, _) if self.faults.has(&Fault::AbortedAt(*cursor)) => {
                // As stores do, which refuse an abort of what takes its last step.
                let events = self.events();
                let planned = events.iter().rev().find(|event| matches!(event, Event::Planned(_)));
                if !is_cleaning_up(planned, Some(event)) {
                    self.ask_to_stop(aborted());
                }
            }
            Event::StepStarted(cursor, _) if self.faults.has(&Fault::CancelledAt(*cursor)) => {
                self.cancel();
            }
            Event::StepStarted(cursor, _) if self.faults.has(&Fault::AbortedUnseen(*cursor)) => {
                self.interventions.lock().unwrap().stop = Some(aborted());
            }
            Event::StepStarted(cursor, _) if self.faults.has(&Fault::SupersededAt(*cursor)) => {
                self.supersede();
            }
            Event::StepStarted(cursor, _) if self.faults.has(&Fault::PausedAt(*cursor)) => {
                self.faults.remove(|fault| *fault == Fault::PausedAt(*cursor));
                self.pause();
            }
            Event::Log { line, .. } => {
                let runs = |fault: &Fault| matches!(fault, Fault::CancelledIn(phase) if *line == format!("migrates, {phase}"));
                if self.faults.any(runs) {
                    self.cancel();
                }
            }
            Event::Paused { .. } if self.faults.has(&Fault::Resumes) => self.resume(),
            _ => {}
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

    pub(super) fn count(&self) -> usize {
        self.events.lock().unwrap().len()
    }

    /// Returns the channel by which a run learns that the job is to stop.
    pub(super) fn stop(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.subscribe()
    }

    /// Cancels the job.
    pub(crate) fn cancel(&self) {
        self.ask_to_stop(Stop::Cancelled { by: "someone".into() });
    }

    /// Makes room for another job, which has no events yet.
    pub(crate) fn begin_another_job(&self) {
        self.events.lock().unwrap().clear();
        self.interventions.lock().unwrap().stop = None;
        self.stop.send_replace(None);
    }

    /// Loses all releases, as where another tool made them or the cluster got another name.
    pub(crate) fn lose_releases(&self) {
        self.released.lock().unwrap().clear();
    }
}

fn aborted() -> Stop {
    Stop::Aborted { by: "ann".into(), note: "no".into() }
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
        if let Event::Migrated { cluster, release, digest, phase, key, at_ms } = &event {
            if *phase == MigrationPhase::Contract {
                let (release, digest) = (release.clone(), digest.clone());
                let contraction = Contraction { release, digest, at_ms: *at_ms };
                self.contracted.lock().unwrap().insert(cluster.clone(), contraction);
            }
            let key = (cluster.clone(), key.clone());
            self.migrated.lock().unwrap().entry(key).or_insert(*at_ms);
        }
        events.push(serde_json::to_string(&event).unwrap());
        drop(events);
        self.shown(&event);
        Ok(())
    }

    async fn migrated(
        &self,
        _: &App,
        cluster: &str,
        key: &str,
    ) -> Result<Option<u64>, JournalLost> {
        let migrated = self.migrated.lock().unwrap();
        Ok(migrated.get(&(cluster.to_owned(), key.to_owned())).copied())
    }

    async fn contraction(
        &self,
        _: &App,
        cluster: &str,
    ) -> Result<Option<Contraction>, JournalLost> {
        Ok(self.contracted.lock().unwrap().get(cluster).cloned())
    }

    async fn interventions(&self) -> Result<Interventions, JournalLost> {
        Ok(self.interventions.lock().unwrap().clone())
    }

    async fn last_release(&self, _: &App, cluster: &str) -> Result<Option<Release>, JournalLost> {
        if self.faults.has(&Fault::HiccupOfReleases) {
            self.faults.remove(|fault| *fault == Fault::HiccupOfReleases);
            return Err(JournalLost::Unavailable("no answer for a second".into()));
        }
        Ok(self.released.lock().unwrap().get(cluster).cloned())
    }
}
