//! A stage that failed: where, and why, with the evidence that a diagnosis reads.

use crate::{dockerfile::RecipeError, journal::JournalLost};
use thiserror::Error;
use windlass_model::{
    cluster::NoCluster,
    diagnosis::Diagnosis,
    error::{BuildError, ClusterError, GitError, PluginError, SecretError},
    hook::HookPhase,
    job::{Release, Stage},
    outcome::Stop,
    spec::SpecError,
    testing::TestSummary,
};
use windlass_rollout::problem::Finding;

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
    JournalLost(#[from] JournalLost),
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
        phase: HookPhase,
        /// In its words.
        message: String,
        /// Whether what ran before is put back.
        roll_back: bool,
        /// Where, as [`Release::place`] says it.
        place: String,
        /// The verdict on the pod of the hook's Job.
        judged: Option<Box<Diagnosis>>,
    },
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

fn names(errors: &[PluginError]) -> String {
    errors.iter().map(|error| format!("`{}`", error.plugin)).collect::<Vec<_>>().join(", ")
}

impl Failure {
    /// Returns whether nothing is rolled back: the operator wants what failed left as it is.
    #[must_use]
    pub fn stays(&self) -> bool {
        matches!(self.cause, Cause::Hook { roll_back: false, .. })
    }
}

impl Cause {
    /// Returns the cause that a cluster's answer about a release is.
    #[must_use]
    pub fn applying(error: ClusterError, release: &Release) -> Self {
        Self::Applying { error: Box::new(error), release: Box::new(release.clone()) }
    }
}
