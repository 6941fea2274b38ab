//! Recorder: the handle by which adapters write to the journal while they work.

use crate::{
    journal::{Journal, JournalLost, NullJournal},
    masks::Masks,
};
use std::sync::Arc;
use tokio::{sync::watch, task::yield_now};
use windlass_model::{
    app::App,
    event::Event,
    job::{Release, Stage},
    outcome::Outcome,
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
    lost: Arc<watch::Sender<Option<JournalLost>>>,
}

impl Recorder {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, masks: Masks::default(), lost: Arc::default() }
    }

    /// Returns a recorder that keeps and masks nothing, for work that belongs to no job.
    #[must_use]
    pub fn null() -> Self {
        Self::new(Arc::new(NullJournal))
    }

    /// Records a line that a tool printed.
    pub async fn log_line(&self, stage: Stage, source: &str, line: &str) {
        self.record(Event::Log { stage, source: source.into(), line: line.into() }).await;
    }

    /// Records an event. Returns once the event is stored, or the journal is lost.
    pub async fn record(&self, event: Event) {
        if self.append(event).await.is_err() {
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

    /// Records an event, for the run itself.
    pub(crate) async fn append(&self, event: Event) -> Result<(), JournalLost> {
        // A lost journal stays lost, even if the store answers again in between.
        if let Some(lost) = self.lost.borrow().clone() {
            return Err(lost);
        }
        self.latched(self.journal.append(self.masked(event)).await)
    }

    pub(crate) async fn last_release(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Release>, JournalLost> {
        self.latched(self.journal.last_release(app, cluster).await)
    }

    fn latched<T>(&self, answer: Result<T, JournalLost>) -> Result<T, JournalLost> {
        if let Err(lost) = &answer {
            self.lost.send_replace(Some(lost.clone()));
        }
        answer
    }

    /// Waits until the journal is lost.
    pub(crate) async fn lost(&self) -> JournalLost {
        let mut lost = self.lost.subscribe();
        match lost.wait_for(Option::is_some).await.ok().and_then(|lost| lost.clone()) {
            Some(lost) => lost,
            None => std::future::pending().await,
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
