//! Drives the queue: starts jobs, stops them, and resumes those that an earlier daemon left unfinished.

use crate::{config::Config, wire::PortsFactory};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use tracing::Instrument;
use windlass_engine::{
    journal::JournalLost,
    logs::LogLimits,
    pipeline::deploy,
    ports::store::{JobJournal, Replay, Store, StoreError, Unfinished, UnfinishedJob},
    queue::{Action, Message, Queue},
    run::Run,
};
use windlass_model::{
    clock::since,
    event::Event,
    job::Stage,
    outcome::{Outcome, Stop},
    replay::{ResumePoint, replay},
};

/// Pause before a store that takes nothing is asked again.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Everything that a run needs.
struct Shared {
    store: Arc<dyn Store>,
    factory: PortsFactory,
    daemon: String,
    logs: LogLimits,
    /// Bytes that must be free on the journal's disk before a job starts.
    min_free: u64,
}

impl Shared {
    /// Checks that the journal's disk has room for another job. The error says how much is missing.
    async fn has_room(&self) -> Result<(), String> {
        // The run itself finds out about a store that does not answer.
        let Ok(room) = self.store.room().await else { return Ok(()) };
        let needed = self.min_free.min(room.disk_bytes / 20);
        if room.uses_reserve {
            return Err("the disk was full, and the journal's reserve is in use".into());
        }
        if room.free_bytes < needed {
            return Err(format!("{} bytes are free, and {needed} are needed", room.free_bytes));
        }
        Ok(())
    }

    /// Leaves a job alone, visibly, since the next run would read the same.
    async fn set_aside(&self, id: &str, why: &str) {
        if let Err(error) = self.store.set_aside(id, why).await {
            tracing::error!(id, why, %error, "a job is left alone, and cannot be marked so");
        }
    }

    /// Ends a job that never began, unless it has ended or another daemon has claimed it. `None` for `why` means
    /// the reason that is recorded in the store.
    async fn end(&self, id: &str, why: Option<Stop>) -> Result<(), StoreError> {
        let Some(claim) = self.store.claim(id, &self.daemon).await? else { return Ok(()) };
        let stored = self.store.job(id).await?.and_then(|record| record.stop);
        let by = || Stop::Cancelled { by: "the daemon".into() };
        let why = why.or(stored).unwrap_or_else(by);
        let outcome = Outcome::Stopped { at: Stage::Clone, why };
        self.store.append(&claim, Event::Ended(outcome)).await
    }
}

pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    queue: Queue,
    inbox: mpsc::UnboundedReceiver<Message>,
    outbox: mpsc::UnboundedSender<Message>,
    running: HashMap<String, watch::Sender<Option<Stop>>>,
    tasks: JoinSet<()>,
}

impl Dispatcher {
    pub(crate) fn new(
        config: &Config,
        store: Arc<dyn Store>,
        factory: PortsFactory,
        inbox: mpsc::UnboundedReceiver<Message>,
        outbox: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let shared = Arc::new(Shared {
            store,
            factory,
            daemon: config.name.clone(),
            logs: config.logs.limits(),
            min_free: config.journal.min_free_mib << 20,
        });
        let queue = Queue::new(config.jobs);
        let running = HashMap::new();
        let tasks = JoinSet::new();
        Self { shared, queue, inbox, outbox, running, tasks }
    }

    /// Runs until `stop`, then gives running jobs `drain` to end.
    pub(crate) async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        drain: Duration,
    ) -> Result<(), StoreError> {
        let Unfinished { mut jobs, unreadable } = self.shared.store.unfinished().await?;
        // Those that had begun first: they may hold a half-made release.
        jobs.sort_by_key(|job| !job.has_begun);
        if !jobs.is_empty() || !unreadable.is_empty() {
            let unreadable = unreadable.len();
            tracing::info!(jobs = jobs.len(), unreadable, "going on with unfinished jobs");
        }
        for UnfinishedJob { id, app, clusters, has_begun, is_stopping } in jobs {
            self.take(Message::Submitted { id: id.clone(), app, clusters, begun: has_begun });
            if is_stopping {
                self.take(Message::Cancelled { id });
            }
        }
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(message) = self.inbox.recv() => self.take(message),
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
            }
        }
        tracing::info!(jobs = self.running.len(), "draining");
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(drain, ended).await;
        Ok(())
    }

    fn take(&mut self, message: Message) {
        match &message {
            Message::Ended { id } | Message::Again { id } => {
                self.running.remove(id);
            }
            Message::Cancelled { id } => {
                if let Some(stop) = self.running.get(id) {
                    let shared = self.shared.clone();
                    let id = id.clone();
                    let stop = stop.clone();
                    self.tasks.spawn(async move { forward_stop(&shared, &id, &stop).await });
                }
            }
            Message::Submitted { .. } => {}
        }
        for action in self.queue.take(message) {
            match action {
                Action::Start(id) => self.start(id),
                Action::Supersede { id, by } => self.end(id, Some(Stop::Superseded { by })),
                Action::Drop(id) => self.end(id, None),
            }
        }
    }

    fn start(&mut self, id: String) {
        let stop = watch::Sender::new(None);
        self.running.insert(id.clone(), stop.clone());
        let shared = self.shared.clone();
        let outbox = self.outbox.clone();
        let span = tracing::info_span!("job", id);
        let work = async move {
            // Whatever happens in here, the job's place is free again.
            let mut slot = Slot { at_end: Some(Message::Ended { id: id.clone() }), outbox };
            wait_for_room(&shared, &stop).await;
            let Err(lost) = run(&shared, &id, &stop).await else { return };
            match &lost {
                JournalLost::Fenced(why) => {
                    tracing::warn!(why, "another claim of the job ends this run");
                }
                JournalLost::Unavailable(_) => {
                    tracing::error!(%lost, "the run has ended, the job has not");
                }
                JournalLost::Unreadable(why) => return shared.set_aside(&id, why).await,
            }
            tokio::time::sleep(STORE_RETRY).await;
            wait_for_store(&*shared.store).await;
            // Its claim says whether the job has ended, or is another daemon's: then this is all.
            slot.at_end = Some(Message::Again { id });
        };
        self.tasks.spawn(work.instrument(span));
    }

    /// Ends a job that never began.
    fn end(&mut self, id: String, why: Option<Stop>) {
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            while let Err(error) = shared.end(&id, why.clone()).await {
                tracing::error!(id, %error, "a waiting job cannot be ended yet");
                tokio::time::sleep(STORE_RETRY).await;
            }
        });
    }
}

/// A running job's place in the queue, given back when dropped: also by a panic.
struct Slot {
    /// Message to the queue. Another one may replace it until the run has ended.
    at_end: Option<Message>,
    outbox: mpsc::UnboundedSender<Message>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(message) = self.at_end.take() {
            let _ = self.outbox.send(message);
        }
    }
}

/// Forwards the recorded reason of a stop to a run.
async fn forward_stop(shared: &Shared, id: &str, stop: &watch::Sender<Option<Stop>>) {
    if let Ok(Some(record)) = shared.store.job(id).await {
        stop.send_if_modified(|current| match (&current, record.stop) {
            (None, Some(why)) => {
                *current = Some(why);
                true
            }
            _ => false,
        });
    }
}

/// Waits until the journal's disk has room for another job, or the job is asked to stop.
async fn wait_for_room(shared: &Shared, stop: &watch::Sender<Option<Stop>>) {
    let mut stopped = stop.subscribe();
    let mut is_logged = false;
    while let Err(why) = shared.has_room().await {
        if !std::mem::replace(&mut is_logged, true) {
            tracing::warn!(why, "waiting for disk: the job starts once there is room");
        }
        let asked = async {
            let _ = stopped.wait_for(Option::is_some).await;
        };
        tokio::select! {
            () = asked => return,
            () = tokio::time::sleep(STORE_RETRY) => {}
        }
    }
}

async fn wait_for_store(store: &dyn Store) {
    while let Err(error) = store.check().await {
        tracing::warn!(%error, "waiting for the store");
        tokio::time::sleep(STORE_RETRY).await;
    }
}

/// Runs one job from the resume point in its journal.
async fn run(
    shared: &Shared,
    id: &str,
    stop: &watch::Sender<Option<Stop>>,
) -> Result<(), JournalLost> {
    // Claimed before it is read: nobody adds to what is read here.
    let Some(claim) = shared.store.claim(id, &shared.daemon).await? else {
        tracing::info!("the job has ended, or another daemon has it");
        return Ok(());
    };
    let Some(Replay { record, events, logged }) = shared.store.replay(id).await? else {
        return Ok(());
    };
    let began = events.first().map(|first| first.at_ms);
    let events: Vec<_> = events.into_iter().map(|recorded| recorded.event).collect();
    let replay = match replay(&events) {
        Ok(replay) => replay,
        Err(error) => {
            let why =
                format!("the events of job {id} stand in an order that no run writes: {error}");
            shared.set_aside(id, &why).await;
            return Ok(());
        }
    };
    if let ResumePoint::Ended(_) = replay {
        return Ok(());
    }
    // A reason that was recorded before this daemon started.
    if let Some(why) = record.stop {
        stop.send_replace(Some(why));
    }
    let left = record.job.timeout.saturating_sub(began.map_or(Duration::ZERO, since));
    let deadline = Some((Instant::now() + left, record.job.timeout));
    let journal = JobJournal::new(shared.store.clone(), claim);
    let run = Run::new(Arc::new(journal), stop.subscribe(), deadline)
        .with_log_limits(shared.logs, &logged);
    run.record(Event::Claimed { daemon: shared.daemon.clone() }).await?;
    tracing::info!(app = %record.job.app, "running");
    let outcome =
        deploy(&record.job, replay, &shared.factory.for_job(&record.job.app.project), &run).await?;
    match outcome {
        Outcome::Succeeded(release) => tracing::info!(digest = release.image.digest, "succeeded"),
        Outcome::Failed(why) => tracing::info!(stage = %why.stage, code = why.code, "failed"),
        Outcome::Stopped { why, .. } => tracing::info!(%why, "stopped"),
    }
    Ok(())
}
