//! What every stage of one job shares: where its events go, what is masked in them, whether it is
//! to stop, what is worth another try.

use crate::{
    app::App,
    cluster::NoCluster,
    diagnose::{Diagnosis, diagnose},
    dockerfile::RecipeError,
    event::{Event, Outcome, PluginCall, PluginEffect, Stop},
    hook::{ActionResult, Moment},
    job::{CommitInfo, Release, Stage},
    plan::{Cursor, Step},
    ports::{BuildError, ClusterError, GitError, Journal, PluginError, SecretError},
    redact::Redactor,
    rollout::Finding,
    secret::Secret,
    spec::SpecError,
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
    voice: Voice,
    stop: watch::Receiver<Option<Stop>>,
    /// Until when the plan must be made, and the limit that says so.
    deadline: Option<(Instant, Duration)>,
    secrets: RwLock<Vec<Secret>>,
}

/// What an adapter may say while it works.
#[derive(Clone)]
pub struct Voice {
    journal: Arc<dyn Journal>,
    redactor: Arc<RwLock<Redactor>>,
}

/// This daemon may no longer speak for the job. Whoever may goes on from the journal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the journal takes no more from this run: {0}")]
pub struct Lost(pub String);

/// Where and why a job failed.
#[derive(Debug, Error)]
#[error("{at} failed: {cause}")]
pub struct Failure {
    /// In which stage.
    pub at: Stage,
    /// Why.
    #[source]
    pub cause: Cause,
}

/// Why a stage failed. Each variant keeps the evidence that a diagnosis reads.
#[derive(Debug, Error)]
pub enum Cause {
    /// It was asked to stop.
    #[error("{0}")]
    Stopped(Stop),
    /// The journal is gone.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The file in the repository is wrong.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// No plugin knows what this is.
    #[error("no detector recognised the source (asked: {})", .0.join(", "))]
    Undetected(Vec<String>),
    /// The job names a detector that is not loaded.
    #[error("no detector `{wanted}` recognised the source; these did: {}", found.join(", "))]
    NoSuchRecipe {
        /// What was asked for.
        wanted: String,
        /// What recognised the source.
        found: Vec<String>,
    },
    /// Detectors know the source, and none can plan a build of it.
    #[error("no build could be planned by {}", names(.0))]
    Refused(Vec<PluginError>),
    /// A plugin's recipe cannot be a Dockerfile.
    #[error("the recipe of `{plugin}` is refused: {error}")]
    Recipe {
        /// Whose recipe.
        plugin: String,
        /// What is wrong.
        error: RecipeError,
    },
    /// Tests ran and failed.
    #[error("`{}` exited with {exit}", command.join(" "))]
    Tests {
        /// What was run.
        command: Vec<String>,
        /// Its exit code.
        exit: u32,
        /// Its last lines.
        tail: Vec<String>,
        /// What a plugin read out of it.
        summary: Option<TestSummary>,
    },
    /// The test command ended badly and told nothing of any test.
    #[error("`{}` exited with {exit}, and `{runner}` finds no test in what it left", command.join(" "))]
    TestsDied {
        /// The plugin that read it.
        runner: String,
        /// What was run.
        command: Vec<String>,
        /// Its exit code.
        exit: u32,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// There are tests, and none was run.
    #[error("`{}` ran no test", command.join(" "))]
    NoTestsRan {
        /// What was run.
        command: Vec<String>,
        /// Its last lines.
        tail: Vec<String>,
        /// Why there should have been some.
        evidence: Vec<String>,
    },
    /// Tests ran and did not end.
    #[error("`{}` was still running after {seconds} s", command.join(" "))]
    TestsHang {
        /// What was run.
        command: Vec<String>,
        /// The limit.
        seconds: u64,
        /// The last lines, also one that was only begun.
        tail: Vec<String>,
    },
    /// The image runs as root where that is forbidden.
    #[error("the image runs as root, which this installation forbids")]
    RootForbidden,
    /// The commit cannot be had.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The image cannot be had.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Where it would go, its app goes no more.
    #[error(transparent)]
    NoCluster(#[from] NoCluster),
    /// The cluster did not do it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The cluster did not take a release's objects.
    #[error("{error}{}", release.place())]
    Applying {
        /// What it answered.
        error: Box<ClusterError>,
        /// Whose objects.
        release: Box<Release>,
    },
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The new version does not become healthy.
    #[error("{finding}{}", release.place())]
    Rollout {
        /// What was recognised.
        finding: Finding,
        /// What ran.
        release: Box<Release>,
        /// Last words and events.
        evidence: Vec<String>,
    },
    /// A plugin gave no answer.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A hook failed, and its policy is not to go on.
    #[error("hook `{hook}` failed: {message}")]
    Hook {
        /// Its name.
        hook: String,
        /// Who decided so.
        plugin: String,
        /// When it was asked.
        moment: Moment,
        /// In its words.
        message: String,
        /// Whether what ran before is put back.
        turn_back: bool,
        /// Where, as [`Release::place`] says it.
        place: String,
        /// The verdict on the pod of the hook's Job.
        judged: Option<Box<Diagnosis>>,
    },
    /// An earlier life of the daemon told how this ends.
    #[error("an earlier run turned back")]
    Told(Box<Outcome>),
    /// Our own code panicked: a defect, which must cost this job alone.
    #[error("a defect of Windlass: {0}")]
    Panicked(String),
    /// The way back failed too.
    #[error("{}; and the way back failed: {back}", first.what)]
    Stuck {
        /// Why it turned back.
        first: Box<Diagnosis>,
        /// Why that failed.
        back: Box<Cause>,
    },
}

impl Run {
    /// `deadline`: when the plan must be made, and the limit that it comes from.
    #[must_use]
    pub fn new(
        journal: Arc<dyn Journal>,
        stop: watch::Receiver<Option<Stop>>,
        deadline: Option<(Instant, Duration)>,
    ) -> Self {
        let voice = Voice { journal, redactor: Arc::default() };
        Self { voice, stop, deadline, secrets: RwLock::default() }
    }

    /// For adapters.
    #[must_use]
    pub fn voice(&self) -> &Voice {
        &self.voice
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
        *self.voice.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
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
        self.told(Stage::Release, Event::Taking(cursor, what), work, Event::Took(cursor)).await
    }

    async fn told<T>(
        &self,
        at: Stage,
        before: Event,
        work: impl Future<Output = Result<T, Cause>>,
        after: Event,
    ) -> Result<T, Failure> {
        let told = async {
            self.say(before).await?;
            let caught = AssertUnwindSafe(work).catch_unwind().await;
            let value = caught.unwrap_or_else(|panic| Err(Cause::Panicked(words_of(&*panic))))?;
            self.say(after).await?;
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
    /// [`Lost`]: touch nothing more.
    pub async fn say(&self, event: Event) -> Result<(), Lost> {
        self.voice.say(event).await
    }
}

fn names(errors: &[PluginError]) -> String {
    errors.iter().map(|error| format!("`{}`", error.plugin)).collect::<Vec<_>>().join(", ")
}

/// What a panic said; the place is in the daemon's own log.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl Voice {
    /// A line that a tool printed.
    ///
    /// # Errors
    /// [`Lost`]: touch nothing more.
    pub async fn log(&self, stage: Stage, source: &str, line: &str) -> Result<(), Lost> {
        self.say(Event::Log { stage, source: source.into(), line: line.into() }).await
    }

    /// Any event, masked.
    ///
    /// # Errors
    /// [`Lost`]: touch nothing more.
    pub async fn say(&self, event: Event) -> Result<(), Lost> {
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

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, Lost> {
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
            Event::Called(call) => {
                Event::Called(PluginCall { error: call.error.map(mask), ..call })
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
            Event::Effected(effect) => Event::Effected(PluginEffect {
                what: mask(effect.what),
                denied: effect.denied.map(mask),
                ..effect
            }),
            Event::HookActing { hook, action } => Event::HookActing { hook, action: mask(action) },
            Event::HookActed { hook, result } => {
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
                Event::HookActed { hook, result }
            }
            Event::Skipped(stage, why) => Event::Skipped(stage, mask(why)),
            Event::TurningBack(how) => Event::TurningBack(outcome(how)),
            Event::Ended(how) => Event::Ended(outcome(how)),
            other => other,
        }
    }
}

impl Run {
    /// The app's last release that succeeded in a cluster.
    ///
    /// # Errors
    /// [`Lost`]: touch nothing more.
    pub async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, Lost> {
        self.voice.last_release(app, cluster).await
    }
}

impl Failure {
    /// How a job that fails so ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match &self.cause {
            Cause::Told(outcome) => (**outcome).clone(),
            Cause::Stopped(why) => Outcome::Stopped { at: self.at, why: why.clone() },
            _ => Outcome::Failed(Box::new(diagnose(self))),
        }
    }

    /// Of a hook, where the step that failed is one.
    #[must_use]
    pub(crate) fn of(self, step: &Step) -> Self {
        match step {
            Step::Hook { .. } => Self { at: Stage::Hooks, ..self },
            _ => self,
        }
    }

    /// The way back is not taken: the operator wants what failed left as it is.
    #[must_use]
    pub fn stays(&self) -> bool {
        matches!(self.cause, Cause::Hook { turn_back: false, .. })
    }

    /// Nothing more may be done or said.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.cause, Cause::Lost(_))
    }
}

impl Cause {
    /// What a cluster answered about a release.
    #[must_use]
    pub fn applying(error: ClusterError, release: &Release) -> Self {
        Self::Applying { error: Box::new(error), release: Box::new(release.clone()) }
    }
}

impl Lost {
    /// As the failure of a stage.
    #[must_use]
    pub fn at(self, at: Stage) -> Failure {
        Failure { at, cause: Cause::Lost(self) }
    }
}
