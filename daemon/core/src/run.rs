//! What every stage of one job shares: where its events go, what is masked in them, whether it is
//! to stop, what is worth another try.

use crate::{
    app::App,
    event::{Event, Outcome, PluginCall, PluginEffect, Stop},
    failure::{Cause, Failure},
    hook::ActionResult,
    job::{CommitInfo, Release, Stage},
    plan::Cursor,
    ports::Journal,
    redact::Redactor,
    secret::Secret,
    testing::{TestCase, TestSummary},
};
use futures::FutureExt;
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use thiserror::Error;
use tokio::{sync::watch, time::Instant};

/// One job's run in one life of the daemon.
pub struct Run {
    recorder: Recorder,
    stop: watch::Receiver<Option<Stop>>,
    /// Until when the plan must be made, and the limit that says so.
    deadline: Option<(Instant, Duration)>,
    secrets: RwLock<Vec<Secret>>,
}

/// What an adapter may say while it works.
#[derive(Clone)]
pub struct Recorder {
    journal: Arc<dyn Journal>,
    redactor: Arc<RwLock<Redactor>>,
}

/// This daemon may no longer speak for the job. Whoever may goes on from the journal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the journal takes no more from this run: {0}")]
pub struct JournalLost(pub String);

impl Run {
    /// `deadline`: when the plan must be made, and the limit that it comes from.
    #[must_use]
    pub fn new(
        journal: Arc<dyn Journal>,
        stop: watch::Receiver<Option<Stop>>,
        deadline: Option<(Instant, Duration)>,
    ) -> Self {
        let recorder = Recorder { journal, redactor: Arc::default() };
        Self { recorder, stop, deadline, secrets: RwLock::default() }
    }

    /// For adapters.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Masks these too, from now on, in all that is said.
    pub fn mask(&self, more: impl IntoIterator<Item = Secret>) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        let before = secrets.len();
        for secret in more {
            // A secret that a hundred variables name is one: the masker is made anew for each.
            if !secrets.iter().any(|known| known.reveal() == secret.reveal()) {
                secrets.push(secret);
            }
        }
        if secrets.len() == before {
            return;
        }
        let redactor = Redactor::new(secrets.iter());
        *self.recorder.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
    }

    /// Runs a stage, which may be dropped at any await when the job is stopped.
    ///
    /// # Errors
    /// What the stage says, or [`Cause::Stopped`].
    pub async fn stage<T, E: Into<Cause>>(
        &self,
        at: Stage,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        self.told(at, Event::Started(at), self.in_time(work), Event::Finished(at)).await
    }

    /// Takes one step of a plan, so recorded that a restart knows where to go on.
    ///
    /// # Errors
    /// What the step says.
    pub async fn step<T>(
        &self,
        cursor: Cursor,
        what: String,
        work: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Failure> {
        self.told(
            Stage::Release,
            Event::StepStarted(cursor, what),
            work,
            Event::StepFinished(cursor),
        )
        .await
    }

    async fn told<T>(
        &self,
        at: Stage,
        before: Event,
        work: impl Future<Output = Result<T, Cause>>,
        after: Event,
    ) -> Result<T, Failure> {
        let told = async {
            self.record(before).await?;
            let caught = AssertUnwindSafe(work).catch_unwind().await;
            let value = caught.unwrap_or_else(|panic| Err(Cause::Panicked(words_of(&*panic))))?;
            self.record(after).await?;
            Ok(value)
        };
        told.await.map_err(|cause| Failure { at, cause })
    }

    async fn in_time<T, E: Into<Cause>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Cause> {
        let Some((deadline, limit)) = self.deadline else { return self.unless_stopped(work).await };
        let in_time = tokio::time::timeout_at(deadline, self.unless_stopped(work)).await;
        in_time.unwrap_or(Err(Cause::Stopped(Stop::TimedOut { seconds: limit.as_secs() })))
    }

    /// `work`, unless the job is asked to stop first.
    ///
    /// # Errors
    /// What `work` says, or [`Cause::Stopped`].
    pub async fn unless_stopped<T, E: Into<Cause>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Cause> {
        let mut stop = self.stop.clone();
        let stopped = async move {
            match stop.wait_for(Option::is_some).await.ok().and_then(|why| why.clone()) {
                Some(why) => why,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            why = stopped => Err(Cause::Stopped(why)),
            done = work => done.map_err(Into::into),
        }
    }

    /// Records an event: nothing happens unrecorded.
    ///
    /// # Errors
    /// [`JournalLost`]: touch nothing more.
    pub async fn record(&self, event: Event) -> Result<(), JournalLost> {
        self.recorder.record(event).await
    }
}

/// What a panic said; the place is in the daemon's own log.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl Recorder {
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

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, JournalLost> {
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

impl Run {
    /// The app's last release that succeeded in a cluster.
    ///
    /// # Errors
    /// [`JournalLost`]: touch nothing more.
    pub async fn last_release(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Release>, JournalLost> {
        self.recorder.last_release(app, cluster).await
    }
}
