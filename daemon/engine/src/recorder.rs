//! Recorder: the handle by which adapters write to the journal while they work.

use crate::{
    journal::{Journal, JournalLost, NullJournal},
    logs::{LogBudget, LogLimits, Logged},
    masks::Masks,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::watch, task::yield_now};
use windlass_model::{
    app::App,
    contraction::Contraction,
    event::Event,
    job::{Release, Stage},
    outcome::Outcome,
    pause::Interventions,
    redact::Redactor,
    secret::Secret,
};

/// Handle by which adapters record what happens. Each event is masked, and holds nothing that a terminal
/// obeys.
///
/// Recording cannot fail, so that no adapter has to decide what a lost journal means for its work:
/// the first refusal is kept, and the run ends with that refusal where it awaits the adapter.
#[derive(Clone)]
pub struct Recorder {
    journal: Arc<dyn Journal>,
    masks: Masks,
    logs: Arc<Mutex<LogBudget>>,
    lost: Arc<watch::Sender<Option<JournalLost>>>,
}

impl Recorder {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, masks: Masks::default(), logs: Arc::default(), lost: Arc::default() }
    }

    /// Bounds log lines by these limits, of which earlier runs have used `logged`.
    pub(crate) fn limit_logs(&self, limits: LogLimits, logged: &BTreeMap<Stage, Logged>) {
        *self.logs() = LogBudget::new(limits, logged);
    }

    fn logs(&self) -> MutexGuard<'_, LogBudget> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a recorder that keeps and masks nothing, for work that belongs to no job.
    #[must_use]
    pub fn null() -> Self {
        Self::new(Arc::new(NullJournal))
    }

    /// Records a line that a tool printed, within the limits of the job's log.
    pub async fn log_line(&self, stage: Stage, source: &str, line: &str) {
        self.record(Event::Log { stage, source: source.into(), line: line.into() }).await;
    }

    /// Records an event. Returns once the event is stored, or the journal is lost; a log line may be stored later. A
    /// log line beyond the job's limits is held or left out.
    pub async fn record(&self, event: Event) {
        let event = match self.masked(event) {
            Event::Log { stage, source, line } => self.logs().take(stage, source, line),
            event => Some(event),
        };
        let lost = match event {
            Some(event) => self.store(event).await.is_err(),
            None => self.is_lost(),
        };
        if lost {
            // The run is polled before the adapter goes on, and drops it.
            yield_now().await;
        }
    }

    /// Returns the redactor of this job's secrets, for streams that arrive in pieces.
    #[must_use]
    pub fn redactor(&self) -> Redactor {
        self.masks.redactor()
    }

    /// Masks more secrets, from now on, in all that is recorded. Adapters mask logins where they obtain them.
    pub fn mask(&self, more: impl IntoIterator<Item = Secret>) {
        self.masks.add(more);
    }

    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Records an event, for the run itself. Lines that are held come before it: it may end their stage.
    pub(crate) async fn append(&self, event: Event) -> Result<(), JournalLost> {
        let ends = self.logs().ends();
        for line in ends {
            self.store(line).await?;
        }
        self.store(self.masked(event)).await
    }

    /// Stores an event that is masked.
    async fn store(&self, event: Event) -> Result<(), JournalLost> {
        // A lost journal stays lost, even if the store answers again in between.
        if let Some(lost) = self.lost.borrow().clone() {
            return Err(lost);
        }
        self.latched(self.journal.append(event).await)
    }

    pub(crate) async fn last_release(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Release>, JournalLost> {
        self.latched(self.journal.last_release(app, cluster).await)
    }

    pub(crate) async fn migrated(
        &self,
        app: &App,
        cluster: &str,
        key: &str,
    ) -> Result<Option<u64>, JournalLost> {
        self.latched(self.journal.migrated(app, cluster, key).await)
    }

    pub(crate) async fn contraction(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Contraction>, JournalLost> {
        self.latched(self.journal.contraction(app, cluster).await)
    }

    pub(crate) async fn interventions(&self) -> Result<Interventions, JournalLost> {
        self.latched(self.journal.interventions().await)
    }

    fn latched<T>(&self, answer: Result<T, JournalLost>) -> Result<T, JournalLost> {
        if let Err(lost) = &answer {
            self.lost.send_replace(Some(lost.clone()));
        }
        answer
    }

    fn is_lost(&self) -> bool {
        self.lost.borrow().is_some()
    }

    /// Waits until the journal is lost.
    pub(crate) async fn lost(&self) -> JournalLost {
        let mut lost = self.lost.subscribe();
        let latched = async {
            match lost.wait_for(Option::is_some).await.ok().and_then(|lost| lost.clone()) {
                Some(lost) => lost,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            lost = latched => lost,
            // A line that was taken is refused: the work may record nothing more for hours.
            lost = self.journal.lost() => {
                self.lost.send_replace(Some(lost.clone()));
                lost
            }
        }
    }

    /// Returns the event as the journal gets it.
    pub(crate) fn masked(&self, event: Event) -> Event {
        let redactor = self.redactor();
        event.map_text(&mut |text: String| redactor.shown(&text))
    }

    /// Returns the outcome without secrets, for readers past the journal: notification hooks and the caller
    /// of the pipeline.
    pub(crate) fn masked_outcome(&self, outcome: Outcome) -> Outcome {
        let redactor = self.redactor();
        outcome.map_text(&mut |text: String| redactor.shown(&text))
    }
}
