//! The journal as adapters write to it while they work: masked.

use crate::journal::{Journal, JournalLost};
use std::sync::{Arc, PoisonError, RwLock};
use windlass_model::{
    app::App,
    event::Event,
    job::{Release, Stage},
    outcome::Outcome,
    redact::Redactor,
};

/// What an adapter may say while it works.
#[derive(Clone)]
pub struct Recorder {
    journal: Arc<dyn Journal>,
    redactor: Arc<RwLock<Redactor>>,
}

impl Recorder {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, redactor: Arc::default() }
    }

    pub(crate) fn mask_with(&self, redactor: Redactor) {
        *self.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
    }

    /// A line that a tool printed.
    ///
    /// # Errors
    /// [`JournalLost`]: touch nothing more.
    pub async fn log_line(
        &self,
        stage: Stage,
        source: &str,
        line: &str,
    ) -> Result<(), JournalLost> {
        self.record(Event::Log { stage, source: source.into(), line: line.into() }).await
    }

    /// Any event, masked.
    ///
    /// # Errors
    /// [`JournalLost`]: touch nothing more.
    pub async fn record(&self, event: Event) -> Result<(), JournalLost> {
        self.journal.append(self.masked(event)).await
    }

    /// What masks this job's secrets, for streams that arrive in pieces.
    #[must_use]
    pub fn redactor(&self) -> Redactor {
        self.redactor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the outcome without secrets, for those who get it past the journal: notification hooks and
    /// the caller of the pipeline.
    pub(crate) fn masked_outcome(&self, outcome: Outcome) -> Outcome {
        let redactor = self.redactor();
        outcome.map_text(&mut |text: String| redactor.mask(&text))
    }

    pub(crate) async fn last_release(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Release>, JournalLost> {
        self.journal.last_release(app, cluster).await
    }

    /// Returns the event as the journal gets it.
    pub(crate) fn masked(&self, event: Event) -> Event {
        let redactor = self.redactor();
        event.map_text(&mut |text: String| redactor.mask(&text))
    }
}
