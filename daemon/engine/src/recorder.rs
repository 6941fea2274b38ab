//! The journal as adapters write to it while they work: masked.

use crate::journal::{Journal, JournalLost};
use std::sync::{Arc, PoisonError, RwLock};
use windlass_model::{
    app::App,
    event::{Event, PluginCall, PluginEffect},
    hook::ActionResult,
    job::{CommitInfo, Release, Stage},
    outcome::Outcome,
    redact::Redactor,
    testing::{TestCase, TestSummary},
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

    /// An outcome as it may be told.
    pub(crate) fn masked_outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Failed(diagnosis) => {
                Outcome::Failed(Box::new(diagnosis.masked(&self.redactor())))
            }
            other => other,
        }
    }

    pub(crate) async fn last_release(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Release>, JournalLost> {
        self.journal.last_release(app, cluster).await
    }

    /// Plans and releases are left alone: they name secrets, never hold one, and must come back as
    /// they were said.
    pub(crate) fn masked(&self, event: Event) -> Event {
        let redactor = self.redactor();
        let mask = |text: String| redactor.mask(&text);
        let all = |list: Vec<String>| list.iter().map(|text| redactor.mask(text)).collect();
        let outcome = |outcome| self.masked_outcome(outcome);
        match event {
            Event::Log { stage, source, line } => {
                Event::Log { stage, source: mask(source), line: mask(line) }
            }
            Event::Cloned(commit) => Event::Cloned(CommitInfo {
                author: mask(commit.author),
                summary: mask(commit.summary),
                ..commit
            }),
            Event::Built { step, cached, ms, error } => {
                Event::Built { step: mask(step), cached, ms, error: error.map(mask) }
            }
            Event::Decided { stage, subject, value, evidence } => {
                Event::Decided { stage, subject, value: mask(value), evidence: all(evidence) }
            }
            Event::Warning { stage, message, fix } => {
                Event::Warning { stage, message: mask(message), fix: mask(fix) }
            }
            Event::Retrying { attempt, after_ms, because } => {
                Event::Retrying { attempt, after_ms, because: mask(because) }
            }
            Event::PluginCalled(call) => {
                Event::PluginCalled(PluginCall { error: call.error.map(mask), ..call })
            }
            Event::Tested(summary) => Event::Tested(TestSummary {
                failures: summary
                    .failures
                    .into_iter()
                    .map(|case| TestCase {
                        suite: mask(case.suite),
                        name: mask(case.name),
                        message: mask(case.message),
                        file: case.file.map(mask),
                        line: case.line,
                    })
                    .collect(),
                ..summary
            }),
            Event::PluginEffect(effect) => Event::PluginEffect(PluginEffect {
                what: mask(effect.what),
                denied: effect.denied.map(mask),
                ..effect
            }),
            Event::HookActionStarted { hook, action } => {
                Event::HookActionStarted { hook, action: mask(action) }
            }
            Event::HookActionFinished { hook, result } => {
                let result = match result {
                    ActionResult::Exited { code, output } => {
                        ActionResult::Exited { code, output: mask(output) }
                    }
                    ActionResult::Denied(why) => ActionResult::Denied(mask(why)),
                    ActionResult::Failed(why) => ActionResult::Failed(mask(why)),
                    ActionResult::Hopeless(diagnosis) => {
                        ActionResult::Hopeless(Box::new(diagnosis.masked(&redactor)))
                    }
                    other => other,
                };
                Event::HookActionFinished { hook, result }
            }
            Event::Skipped(stage, why) => Event::Skipped(stage, mask(why)),
            Event::RollingBack(how) => Event::RollingBack(outcome(how)),
            Event::Ended(how) => Event::Ended(outcome(how)),
            other => other,
        }
    }
}
