//! Drives the queue: starts jobs, gives them slots, stops them, and resumes those that an earlier daemon left
//! unfinished. No run ends without a word: its job has ended, runs again after a pause, waits for an approval, or is
//! left alone, with the reason in what `windlass jobs` shows.

mod next;
mod run;
#[cfg(test)]
mod tests;

use next::{Ended, Next, Tries};
pub(crate) use run::Bounds;
use run::{Handles, PortsOf, Shared, run};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::Instant,
};
use tracing::Instrument;
use windlass_engine::{
    ports::store::{JobRecord, Store, StoreError, Unfinished},
    queue::{Action, Message},
    run::caught,
    shared_queue::SharedQueue,
    slots::Slots,
    underway::Underway,
};
use windlass_model::{job::Stage, outcome::Stop};

/// Pause before a store that takes nothing is asked again.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Reason that is shown of a job whose run ended without one: a defect in this file.
const DEFECT: &str =
    "a defect of Windlass ended its run; restart the daemon, whose log names the place";

pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    queue: SharedQueue,
    inbox: mpsc::UnboundedReceiver<Message>,
    outbox: mpsc::UnboundedSender<Message>,
    running: HashMap<String, Running>,
    /// Ends of the runs of jobs that have not ended.
    tries: Arc<Mutex<HashMap<String, Tries>>>,
    tasks: JoinSet<()>,
}

/// A job that runs, or whose next run has to wait.
struct Running {
    stop: watch::Sender<Option<Stop>>,
    /// Takes the numbers of the job's requests for slots, as they are granted.
    grants: watch::Sender<u64>,
    /// Counts what people did to the job: an approval, a pause, the end of one. The run reads it from the store.
    news: watch::Sender<u64>,
    work: AbortHandle,
}

impl Dispatcher {
    pub(crate) fn new(
        daemon: String,
        bounds: Bounds,
        queue: SharedQueue,
        store: Arc<dyn Store>,
        ports: PortsOf,
        inbox: mpsc::UnboundedReceiver<Message>,
        outbox: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let underway = Arc::default();
        let shared = Arc::new(Shared { store, ports, daemon, bounds, underway });
        let running = HashMap::new();
        let tasks = JoinSet::new();
        Self { shared, queue, inbox, outbox, running, tries: Arc::default(), tasks }
    }

    /// Shares the releases on their way with the runs.
    pub(crate) fn with_underway(mut self, underway: Arc<Underway>) -> Self {
        Arc::make_mut(&mut self.shared).underway = underway;
        self
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
        for job in jobs.iter().filter(|job| job.has_begun) {
            self.shared.resume(&job.id).await;
        }
        for job in jobs {
            let (id, is_stopping) = (job.id.clone(), job.is_stopping);
            self.take(Message::unfinished(job));
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
        self.queue.drain();
        let _ = tokio::time::timeout(drain, self.drained()).await;
        Ok(())
    }

    /// Waits until all runs have ended. Those that only wait are left for the next start.
    async fn drained(&mut self) {
        loop {
            for id in self.queue.idle() {
                if let Some(running) = self.running.remove(&id) {
                    running.work.abort();
                }
            }
            tokio::select! {
                biased;
                Some(message) = self.inbox.recv() => self.take(message),
                ended = self.tasks.join_next() => if ended.is_none() { return },
            }
        }
    }

    fn take(&mut self, message: Message) {
        match &message {
            Message::Ended { id }
            | Message::Again { id }
            | Message::Held { id, .. }
            | Message::LeftAlone { id, .. } => {
                self.running.remove(id);
            }
            Message::Cancelled { id } => {
                if let Some(running) = self.running.get(id) {
                    let shared = self.shared.clone();
                    let id = id.clone();
                    let stop = running.stop.clone();
                    self.tasks.spawn(async move { forward_stop(&shared, &id, &stop).await });
                }
            }
            Message::Approved { id } | Message::News { id } => {
                if let Some(running) = self.running.get(id) {
                    running.news.send_modify(|count| *count = count.wrapping_add(1));
                }
            }
            Message::Submitted { .. }
            | Message::GivesWay { .. }
            | Message::Paused { .. }
            | Message::Resumed { .. }
            | Message::Needs { .. }
            | Message::Takes { .. }
            | Message::Frees { .. } => {}
        }
        for action in self.queue.take(message) {
            match action {
                Action::Start(id) => self.start(id),
                Action::Grant { id, ticket } => {
                    if let Some(running) = self.running.get(&id) {
                        running.grants.send_replace(ticket);
                    }
                }
                Action::Supersede { id, by } => self.end(id, Some(Stop::Superseded { by })),
                Action::StopRunning { id, by } => self.stop_running(id, by),
                Action::Drop(id) => self.end(id, None),
            }
        }
    }

    fn start(&mut self, id: String) {
        let stop = watch::Sender::new(None);
        let (slots, grants) = Slots::new(id.clone(), self.outbox.clone());
        // Before the run reads the store: what comes after that is news to it.
        let (news, heard) = watch::channel(0);
        let shared = self.shared.clone();
        let outbox = self.outbox.clone();
        let tries = self.tries.clone();
        let span = tracing::info_span!("job", id);
        let handles = Handles { stop: stop.clone(), slots, news: heard };
        let work = supervised(shared, id.clone(), handles, tries, outbox);
        let work = self.tasks.spawn(work.instrument(span));
        self.running.insert(id, Running { stop, grants, news, work });
    }

    /// Asks a running job to stop, since a newer one of its app is there.
    fn stop_running(&mut self, id: String, by: String) {
        let shared = self.shared.clone();
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            while let Err(error) = shared.store.supersede(&id, &by).await {
                tracing::error!(id, by, %error, "a job cannot be stopped yet for a newer one");
                if matches!(error, StoreError::Unreadable { .. } | StoreError::TooNew { .. }) {
                    return;
                }
                tokio::time::sleep(STORE_RETRY).await;
            }
            // To whichever run the job has by now.
            let _ = outbox.send(Message::Cancelled { id });
        });
    }

    /// Ends a job that does not run.
    fn end(&mut self, id: String, why: Option<Stop>) {
        let shared = self.shared.clone();
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            while let Err(error) = shared.end(&id, why.clone()).await {
                tracing::error!(id, %error, "a waiting job cannot be ended yet");
                if matches!(error, StoreError::Unreadable { .. } | StoreError::TooNew { .. }) {
                    let why = format!("{error}; start a daemon that reads it");
                    let _ = outbox.send(Message::LeftAlone { id, why });
                    return;
                }
                tokio::time::sleep(STORE_RETRY).await;
            }
        });
    }
}

/// Runs a job once, and tells the queue how its job stands then.
async fn supervised(
    shared: Arc<Shared>,
    id: String,
    handles: Handles,
    tries: Arc<Mutex<HashMap<String, Tries>>>,
    outbox: mpsc::UnboundedSender<Message>,
) {
    // Whatever happens in here, the queue gets a message.
    let mut last = Last { id: id.clone(), message: None, outbox: outbox.clone() };
    let stop = handles.stop.clone();
    wait_for_room(&shared, &id, &stop, &outbox).await;
    let began = Instant::now();
    let ended = match caught(Box::pin(run(&shared, &id, handles))).await {
        Ok(ended) => ended,
        Err(panic) => {
            tracing::error!(panic, "a defect has ended the run");
            Ended::Panicked
        }
    };
    let next = {
        let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
        let next = tries.entry(id.clone()).or_default().next(ended, began.elapsed());
        if !matches!(next, Next::Again { .. }) {
            tries.remove(&id);
        }
        next
    };
    last.message = Some(match next {
        Next::Forget => {
            shared.underway.leave(&id);
            Message::Ended { id }
        }
        Next::Hold { gate } => {
            tracing::info!(%gate, "the job waits for an approval");
            Message::Held { id, gate }
        }
        Next::Again { after, why } => {
            tracing::warn!(why, "the run has ended, the job has not");
            let _ = outbox.send(Message::Paused { id: id.clone(), why });
            pause(after, &stop).await;
            wait_for_store(&*shared.store).await;
            // Its claim says whether the job has ended, or is another daemon's: then this is all.
            Message::Again { id }
        }
        Next::Leave { why } => {
            tracing::error!(why, "the job is left alone");
            shared.set_aside(&id, &why).await;
            Message::LeftAlone { id, why }
        }
        Next::Fail => match shared.fail(&id).await {
            Ok(()) => Message::Ended { id },
            Err(error) => {
                tracing::error!(%error, "the job cannot be ended, and is left alone");
                Message::LeftAlone { id, why: format!("{DEFECT} ({error})") }
            }
        },
    });
}

/// The last message of a run, sent when dropped: also by a panic, and where the run is aborted.
struct Last {
    id: String,
    /// `None` means that the run has not come to its end.
    message: Option<Message>,
    outbox: mpsc::UnboundedSender<Message>,
}

impl Drop for Last {
    fn drop(&mut self) {
        let id = self.id.clone();
        let message = self.message.take().unwrap_or_else(|| {
            if std::thread::panicking() {
                Message::LeftAlone { id, why: DEFECT.into() }
            } else {
                Message::Again { id }
            }
        });
        let _ = self.outbox.send(message);
    }
}

/// Waits before a job's next run. A stop ends the wait: the next run rolls back.
async fn pause(after: Duration, stop: &watch::Sender<Option<Stop>>) {
    let mut stopped = stop.subscribe();
    let _ = tokio::time::timeout(after, stopped.changed()).await;
}

/// Forwards the recorded reason of a stop to a run.
async fn forward_stop(shared: &Shared, id: &str, stop: &watch::Sender<Option<Stop>>) {
    let found = loop {
        match shared.store.job(id).await {
            Ok(found) => break found,
            Err(error @ (StoreError::Unreadable { .. } | StoreError::TooNew { .. })) => {
                tracing::error!(id, %error, "the stop of a job cannot be read");
                return;
            }
            // The stop is stored, and nobody tells of it again.
            Err(error) => {
                tracing::warn!(id, %error, "the stop of a job cannot be read yet");
                tokio::time::sleep(STORE_RETRY).await;
            }
        }
    };
    if let Some(record) = found {
        stop.send_if_modified(|current| match (&current, record.stop) {
            (None, Some(why)) => {
                *current = Some(why);
                true
            }
            // A release that is switched goes on in spite of a newer job, and not of a person.
            (Some(Stop::Superseded { .. }), Some(why))
                if !matches!(why, Stop::Superseded { .. }) =>
            {
                *current = Some(why);
                true
            }
            _ => false,
        });
    }
}

/// Waits until the journal's disk has room for another job, or the job is asked to stop. A release that an earlier run
/// began may be half made, and does not wait: the journal has a reserve for it.
async fn wait_for_room(
    shared: &Shared,
    id: &str,
    stop: &watch::Sender<Option<Stop>>,
    outbox: &mpsc::UnboundedSender<Message>,
) {
    let mut stopped = stop.subscribe();
    let mut waited = false;
    while let Err(why) = shared.has_room().await {
        let record = shared.store.job(id).await.ok().flatten();
        // A stop that was stored before this run began comes by no message.
        let goes_on = |record: &JobRecord| may_be_half_made(record) || record.stop.is_some();
        if record.as_ref().is_some_and(goes_on) {
            break;
        }
        waited = true;
        tracing::warn!(why, "waiting for disk: the job starts once there is room");
        let why = format!("waiting for disk: {why}");
        let _ = outbox.send(Message::Paused { id: id.to_owned(), why });
        let asked = async {
            let _ = stopped.wait_for(Option::is_some).await;
        };
        tokio::select! {
            () = asked => break,
            () = tokio::time::sleep(STORE_RETRY) => {}
        }
    }
    if waited {
        let _ = outbox.send(Message::Resumed { id: id.to_owned() });
    }
}

/// Returns whether a release of the job may be half made. One that waits before its plan has nothing half made.
fn may_be_half_made(record: &JobRecord) -> bool {
    record.stage >= Some(Stage::Release) && !record.waits_before_its_plan()
}

async fn wait_for_store(store: &dyn Store) {
    while let Err(error) = store.check().await {
        tracing::warn!(%error, "waiting for the store");
        tokio::time::sleep(STORE_RETRY).await;
    }
}
