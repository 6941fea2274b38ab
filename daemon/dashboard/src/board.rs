//! Changes of jobs, read once for all pages that show lists of them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, timeout, timeout_at},
};
use windlass_api::shown;
use windlass_model::{job::Stage, pause::Pause, replay::JobState};
use windlass_service::Services;

/// Time in which changes are gathered: a job that prints has hundreds of events a second.
const EACH: Duration = Duration::from_millis(500);

/// Time after which it is looked whether anybody still listens.
const LOOK: Duration = Duration::from_secs(10);

/// Number of changes that wait for a slow page.
const WAITING: usize = 256;

/// A change of a list of jobs.
#[derive(Clone)]
pub(crate) enum Change {
    /// A job is in another state or stage, or its pause is another one.
    Job(Arc<Changed>),
    /// Changes were lost: the list is to be read again.
    Gap,
}

/// A job that changed.
pub(crate) struct Changed {
    pub(crate) project: String,
    /// The job as JSON.
    pub(crate) json: String,
}

/// The source of changes, to which pages subscribe.
#[derive(Clone)]
pub(crate) struct Board(Arc<Inner>);

struct Inner {
    services: Services,
    changes: broadcast::Sender<Change>,
    /// A task reads changes. It ends when nobody listens.
    runs: Mutex<bool>,
}

impl Board {
    pub(crate) fn new(services: Services) -> Self {
        let changes = broadcast::Sender::new(WAITING);
        Self(Arc::new(Inner { services, changes, runs: Mutex::new(false) }))
    }

    /// Subscribes to changes from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        let mut runs = self.0.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = self.0.changes.subscribe();
        if !*runs {
            *runs = true;
            // Before the task, so that nothing falls between.
            let updates = self.0.services.updates.updates();
            tokio::spawn(watch(self.0.clone(), updates));
        }
        changes
    }
}

impl Inner {
    /// Returns whether the reading ends, because nobody listens.
    fn ends(&self) -> bool {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        *runs = self.changes.receiver_count() > 0;
        !*runs
    }

    fn send(&self, change: Change) {
        // Without a listener there is nothing to do.
        let _ = self.changes.send(change);
    }
}

async fn watch(board: Arc<Inner>, mut updates: broadcast::Receiver<String>) {
    let mut known = HashMap::new();
    loop {
        let mut ids = BTreeSet::new();
        let mut next = timeout(LOOK, updates.recv()).await;
        let until = Instant::now() + EACH;
        loop {
            match next {
                Ok(Ok(id)) => {
                    ids.insert(id);
                }
                Ok(Err(RecvError::Lagged(_))) => board.send(Change::Gap),
                // The daemon ends.
                Ok(Err(RecvError::Closed)) => return,
                Err(_) => break,
            }
            next = timeout_at(until, updates.recv()).await;
        }
        if board.ends() {
            return;
        }
        let mut is_whole = true;
        for id in ids {
            is_whole &= changed(&board, &mut known, id).await;
        }
        if !is_whole {
            board.send(Change::Gap);
        }
    }
}

/// Fields that a list shows of a job that changes.
type Seen = (JobState, Option<Stage>, Option<Pause>);

/// Sends a job of which a list shows something else than before. Returns false for one that the store does not give now.
async fn changed(board: &Inner, known: &mut HashMap<String, Seen>, id: String) -> bool {
    let record = match board.services.jobs.job(&id).await {
        Ok(Some(record)) => record,
        Ok(None) => return true,
        Err(_) => return false,
    };
    let now = (record.state, record.stage, record.paused.clone());
    let before =
        if record.outcome.is_some() { known.remove(&id) } else { known.insert(id, now.clone()) };
    if before == Some(now) {
        return true;
    }
    let project = record.job.app.project.clone();
    let job = shown::job(&board.services, record);
    if let Ok(json) = serde_json::to_string(&job) {
        board.send(Change::Job(Arc::new(Changed { project, json })));
    }
    true
}
