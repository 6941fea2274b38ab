//! One run of a job, and the ends that the dispatcher gives to jobs which do not run.

use super::next::Ended;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};
use windlass_engine::{
    diagnose::diagnose,
    failure::{Cause, Failure},
    journal::JournalLost,
    logs::LogLimits,
    pipeline::{Deployed, deploy},
    ports::{
        Ports,
        store::{JobJournal, Replay, Store, StoreError},
    },
    run::Run,
    slots::Slots,
    underway::Underway,
};
use windlass_model::{
    approval::{Approvals, waited},
    clock::{now_ms, since},
    event::Event,
    job::Stage,
    outcome::{Outcome, Stop},
    replay::{ResumePoint, replay},
};

/// Function that returns the ports for one job of a project.
pub(crate) type PortsOf = Arc<dyn Fn(&str) -> Ports + Send + Sync>;

/// Everything that a run needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) ports: PortsOf,
    /// Name of this daemon.
    pub(super) daemon: String,
    pub(super) bounds: Bounds,
    /// Releases of all jobs that have no outcome yet.
    pub(super) underway: Arc<Underway>,
}

/// Handles by which the dispatcher reaches one run of a job.
pub(super) struct Handles {
    /// Takes the reason for which the job is to stop.
    pub(super) stop: watch::Sender<Option<Stop>>,
    pub(super) slots: Slots,
    /// Counts what people did to the job.
    pub(super) news: watch::Receiver<u64>,
}

/// Bounds of each run on what it stores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) logs: LogLimits,
    /// Bytes that must be free on the journal's disk before a job starts.
    pub(crate) min_free: u64,
}

impl Shared {
    /// Checks that the journal's disk has room for another job. The error says how much is missing.
    pub(super) async fn has_room(&self) -> Result<(), String> {
        // The run itself finds out about a store that does not answer.
        let Ok(room) = self.store.room().await else { return Ok(()) };
        let needed = self.bounds.min_free.min(room.disk_bytes / 20);
        if room.uses_reserve {
            return Err("the disk was full, and the journal's reserve is in use".into());
        }
        if room.free_bytes < needed {
            return Err(format!("{} bytes are free, and {needed} are needed", room.free_bytes));
        }
        Ok(())
    }

    /// Enters the release that an earlier daemon began. What cannot be read is left to the job's run.
    pub(super) async fn resume(&self, id: &str) {
        let Ok(Some(past)) = self.store.replay(id).await else { return };
        let past: Vec<_> = past.events.into_iter().map(|recorded| recorded.event).collect();
        if let Ok(from) = replay(&past) {
            self.underway.resume(id, &from);
        }
    }

    /// Marks a job as one that is left alone, since the next run would read the same.
    pub(super) async fn set_aside(&self, id: &str, why: &str) {
        if let Err(error) = self.store.set_aside(id, why).await {
            tracing::error!(id, why, %error, "a job is left alone, and cannot be marked so");
        }
    }

    /// Ends a job that does not run, unless it has ended or another daemon has claimed it. `None` for `why`
    /// means the reason that is recorded in the store.
    pub(super) async fn end(&self, id: &str, why: Option<Stop>) -> Result<(), StoreError> {
        let Some(claim) = self.store.claim(id, &self.daemon).await? else { return Ok(()) };
        let record = self.store.job(id).await?;
        let at = record.as_ref().and_then(|record| record.stage).unwrap_or(Stage::Clone);
        let stored = record.and_then(|record| record.stop);
        let by = || Stop::Cancelled { by: "the daemon".into() };
        let why = why.or(stored).unwrap_or_else(by);
        self.store.append(&claim, Event::Ended(Outcome::Stopped { at, why })).await?;
        self.underway.leave(id);
        Ok(())
    }

    /// Ends a job each run of which a defect ended.
    pub(super) async fn fail(&self, id: &str) -> Result<(), StoreError> {
        let Some(claim) = self.store.claim(id, &self.daemon).await? else { return Ok(()) };
        // Whatever ends its notification hooks, the outcome stands: its release may serve.
        let past = self.store.replay(id).await?.map(|past| past.events).unwrap_or_default();
        let past: Vec<_> = past.into_iter().map(|recorded| recorded.event).collect();
        if let Ok(ResumePoint::OutcomeDecided { outcome, .. }) = replay(&past) {
            self.store.append(&claim, Event::Ended(outcome)).await?;
            self.underway.leave(id);
            return Ok(());
        }
        let stage = self.store.job(id).await?.and_then(|record| record.stage);
        let at = stage.unwrap_or(Stage::Clone);
        // The message of the panic stays in the daemon's log: nothing masks it here.
        let cause = Cause::Panicked("each run of the job ended in it".into());
        let mut diagnosis = diagnose(&Failure { at, cause });
        if at >= Stage::Release {
            diagnosis.fixes.insert(
                0,
                "look at the app with `windlass status`: this release may be half made; submit again or roll back"
                    .into(),
            );
        }
        self.store.append(&claim, Event::Ended(Outcome::Failed(Box::new(diagnosis)))).await?;
        self.underway.leave(id);
        Ok(())
    }
}

/// Runs one job from the resume point in its journal.
pub(super) async fn run(shared: &Shared, id: &str, handles: Handles) -> Ended {
    claimed(shared, id, handles).await.unwrap_or_else(Ended::Lost)
}

async fn claimed(shared: &Shared, id: &str, handles: Handles) -> Result<Ended, JournalLost> {
    let Handles { stop, slots, news } = handles;
    // Claimed before it is read: nobody adds to what is read here.
    let Some(claim) = shared.store.claim(id, &shared.daemon).await? else {
        tracing::info!("the job has ended, or another daemon has it");
        return Ok(Ended::Done);
    };
    let Some(Replay { record, events, logged, approvals }) = shared.store.replay(id).await? else {
        return Ok(Ended::Done);
    };
    let began = events.first().map(|first| first.at_ms);
    let waited = waited(events.iter().map(|one| (one.at_ms, &one.event)), now_ms());
    let events: Vec<_> = events.into_iter().map(|recorded| recorded.event).collect();
    let replay = match replay(&events) {
        Ok(replay) => replay,
        Err(error) => return Ok(Ended::Senseless(error.to_string())),
    };
    if let ResumePoint::Ended(_) = replay {
        return Ok(Ended::Done);
    }
    // A reason that was recorded before this daemon started.
    if let Some(why) = record.stop {
        stop.send_replace(Some(why));
    }
    let took = began.map_or(Duration::ZERO, since).saturating_sub(waited);
    let left = record.job.timeout.saturating_sub(took);
    let deadline = Some((Instant::now() + left, record.job.timeout));
    let journal = JobJournal::new(shared.store.clone(), claim);
    let run = Run::new(Arc::new(journal), stop.subscribe(), deadline)
        .with_slots(slots)
        .with_holder(&shared.daemon, &record.job.id)
        .with_news(news)
        .with_past(&events)
        .with_approvals(Approvals::new(approvals, &events))
        .with_log_limits(shared.bounds.logs, &logged);
    run.record(Event::Claimed { daemon: shared.daemon.clone() }).await?;
    tracing::info!(app = %record.job.app, "running");
    let ports = (shared.ports)(&record.job.app.project);
    let outcome = match deploy(&record.job, replay, &ports, &run).await? {
        Deployed::Ended(outcome) => outcome,
        Deployed::Held(hold) => return Ok(Ended::Held(hold.gate)),
    };
    match outcome {
        Outcome::Succeeded(release) => tracing::info!(digest = release.image.digest, "succeeded"),
        Outcome::Removed(removed) => tracing::info!(%removed, "succeeded"),
        Outcome::Contracted(contracted) => tracing::info!(%contracted, "succeeded"),
        Outcome::Failed(why) => tracing::info!(stage = %why.stage, code = why.code, "failed"),
        Outcome::Stopped { why, .. } => tracing::info!(%why, "stopped"),
    }
    Ok(Ended::Done)
}
