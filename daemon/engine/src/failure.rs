//! Failure of a stage, with the evidence that a diagnosis reads.

use crate::{analysis::Fault, dockerfile::RecipeError, journal::JournalLost};
use thiserror::Error;
use windlass_model::{
    cluster::NoCluster,
    contraction::Contraction,
    diagnosis::Diagnosis,
    error::{BuildError, ClusterError, GitError, LoginError, PluginError, SecretError},
    hook::HookPhase,
    job::{Release, Stage},
    outcome::Stop,
    recipe::Refusal,
    runtime::MigrationPhase,
    spec::SpecError,
    testing::TestSummary,
};
use windlass_rollout::problem::Finding;

/// Failure of a job: stage and cause.
#[derive(Debug, Error)]
#[error("{at} failed: {cause}")]
pub struct Failure {
    /// Stage that failed.
    pub at: Stage,
    #[source]
    pub cause: Cause,
}

/// Cause of a stage's failure. Each variant keeps the evidence that a diagnosis reads.
#[derive(Debug, Error)]
pub enum Cause {
    /// The job was asked to stop.
    #[error("{0}")]
    Stopped(Stop),
    /// The journal takes no more from this run.
    #[error(transparent)]
    JournalLost(#[from] JournalLost),
    /// The job's spec, `windlass.toml` or a manifest is invalid.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// No detector recognised the source.
    #[error("no detector recognised the source (asked: {})", .0.join(", "))]
    Undetected(Vec<String>),
    /// The job names a detector that is not loaded.
    #[error("no detector `{wanted}` recognised the source; these did: {}", found.join(", "))]
    NoSuchRecipe {
        /// Detector that the job names.
        wanted: String,
        /// Detectors that recognised the source.
        found: Vec<String>,
    },
    /// Detectors know the source, and none can plan a build of it. The nearest to a plan is the first.
    #[error("{}", nearest(.0))]
    Refused(Vec<Refusal>),
    /// A plugin's recipe cannot be a Dockerfile.
    #[error("the recipe of `{plugin}` is refused: {error}")]
    Recipe { plugin: String, error: RecipeError },
    /// Tests ran and failed.
    #[error("`{}` exited with {exit}", command.join(" "))]
    Tests {
        command: Vec<String>,
        exit: u32,
        /// Last lines of the output.
        tail: Vec<String>,
        /// Summary that a plugin read. `None` means that no plugin could read one.
        summary: Option<Box<TestSummary>>,
    },
    /// The test command failed, and its output names no test.
    #[error("`{}` exited with {exit}, and `{runner}` finds no test in what it left", command.join(" "))]
    TestsDied {
        /// Plugin that read the output.
        runner: String,
        command: Vec<String>,
        exit: u32,
        /// Last lines of the output.
        tail: Vec<String>,
    },
    /// There are tests, and none was run.
    #[error("`{}` ran no test", command.join(" "))]
    NoTestsRan {
        command: Vec<String>,
        /// Last lines of the output.
        tail: Vec<String>,
        /// Evidence that there are tests.
        evidence: Vec<String>,
    },
    /// Tests ran and did not end.
    #[error("`{}` was still running after {seconds} s", command.join(" "))]
    TestsHang {
        command: Vec<String>,
        /// Time limit.
        seconds: u64,
        /// Last lines of the output, also one that was only begun.
        tail: Vec<String>,
    },
    /// The image runs as root where that is forbidden.
    #[error("the image runs as root, which this installation forbids")]
    RootForbidden,
    /// The commit cannot be fetched.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The image cannot be built or pushed.
    #[error(transparent)]
    Build(BuildError),
    /// The step of `build.command` failed.
    #[error(transparent)]
    Command(BuildError),
    /// The data does not hold any more what a rollback's release works with.
    #[error(
        "release {} cannot come back{}: the data holds only what {} and later ones work with",
        release.id, release.place(), contraction.release
    )]
    Contracted { release: Box<Release>, contraction: Contraction },
    /// The app may not go to the job's clusters any more.
    #[error(transparent)]
    NoCluster(#[from] NoCluster),
    /// The cluster refused a request, or did not answer.
    #[error(transparent)]
    Cluster(ClusterError),
    /// The cluster refused a release's objects, or did not answer.
    #[error("{error}{}", release.place())]
    Applying { error: Box<ClusterError>, release: Box<Release> },
    /// A secret is missing or cannot be opened.
    #[error(transparent)]
    Secret(SecretError),
    /// A part of the migration failed.
    #[error("the migration failed: {phase} {message}{}", release.place())]
    Migration {
        release: Box<Release>,
        phase: MigrationPhase,
        /// The job takes out of the data what only earlier releases work with: the release serves all the while.
        contracts: bool,
        /// End of the command: `exited with 1`.
        message: String,
        /// Last lines of its output.
        output: Vec<String>,
        /// Time as of which the data can be restored, in milliseconds since 1970. `None` means that it was neither backed
        /// up nor noted.
        backup_ms: Option<u64>,
        /// The command surely did not run: its turn never came, or its pod could not be made.
        never_ran: bool,
        /// Verdict on the pod of the Job. `None` means that there is no pod, or nothing is wrong with it.
        judged: Option<Box<Diagnosis>>,
    },
    /// The new version does not become healthy.
    #[error("{finding}{}", release.place())]
    Rollout {
        finding: Box<Finding>,
        release: Box<Release>,
        /// Last log lines and events of failing pods.
        evidence: Vec<String>,
        /// Facts on the registry. They are the default where the image is pulled.
        registry: PullRegistry,
    },
    /// Pods of the new version were healthy, and are not ready any more.
    #[error("{ready} of {wanted} new pods were ready for {seconds} s{}", release.place())]
    NotReadyAgain {
        release: Box<Release>,
        /// Number of pods of the new version that are ready.
        ready: u32,
        /// Number of pods of the new version that are wanted.
        wanted: u32,
        /// Time for which so few were ready.
        seconds: u64,
        /// Last log lines and events of failing pods.
        evidence: Vec<String>,
    },
    /// The new version did not answer its check well.
    #[error("`GET {path}` was answered with {status}{}", release.place())]
    Check {
        release: Box<Release>,
        path: String,
        /// HTTP status.
        status: u16,
        /// First bytes of the body.
        body: String,
    },
    /// A metric of the new version is not well, or nobody knows.
    #[error("metric `{metric}`: {fault}{}", release.place())]
    Metric {
        /// Name of the metric.
        metric: String,
        fault: Fault,
        /// PromQL expression that was evaluated.
        expression: String,
        release: Box<Release>,
        /// Last measurements as texts.
        measured: Vec<String>,
    },
    /// Metrics are to be measured in a cluster whose Prometheus is not known.
    #[error(
        "metrics are to be measured, and no Prometheus is configured for the cluster `{cluster}`"
    )]
    NoPrometheus {
        cluster: String,
        /// Names of the metrics.
        metrics: Vec<String>,
    },
    /// A plugin gave no answer.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A hook failed, and its policy is not to go on.
    #[error("hook `{hook}` failed: {message}")]
    Hook {
        hook: String,
        /// Plugin that decides the hook.
        plugin: String,
        phase: HookPhase,
        /// Message of the plugin.
        message: String,
        /// The job rolls back.
        roll_back: bool,
        /// Cluster of the release, as [`Release::place`] writes it.
        place: String,
        /// Verdict on the pod of the hook's Job. `None` means that there is no pod, or nothing is wrong with it.
        judged: Option<Box<Diagnosis>>,
    },
    /// Our own code panicked: a defect, which must cost this job alone.
    #[error("a defect of Windlass: {0}")]
    Panicked(String),
    /// The rollback failed too.
    #[error("{}; and the rollback failed: {rollback}", first.what)]
    Stuck {
        /// Failure that led to the rollback.
        first: Box<Diagnosis>,
        /// Cause of the rollback's own failure.
        rollback: Box<Cause>,
    },
}

/// Facts on a registry that nodes cannot pull an image from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullRegistry {
    /// The project brought the registry.
    pub is_own: bool,
    /// Remedy that the project has itself: a new login of its own, or a registry of its own where the operator's login is
    /// withheld. `None` means that there is none, or that no login was refused.
    pub advice: Option<String>,
}

/// Returns the reason of the refusal that is nearest to a plan.
fn nearest(refusals: &[Refusal]) -> &str {
    refusals.first().map_or("no build could be planned", |refusal| &refusal.reason)
}

impl Failure {
    /// Returns whether nothing is rolled back: the operator wants what failed left as it is.
    #[must_use]
    pub fn stays(&self) -> bool {
        matches!(self.cause, Cause::Hook { roll_back: false, .. })
    }
}

// A store that cannot be read is no verdict on a job, whoever asked it.
impl From<SecretError> for Cause {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Unavailable { message } => JournalLost::Unavailable(message).into(),
            error => Self::Secret(error),
        }
    }
}

impl From<BuildError> for Cause {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Login { error: LoginError::Unavailable { message }, .. } => {
                JournalLost::Unavailable(message).into()
            }
            error => Self::Build(error),
        }
    }
}

impl From<ClusterError> for Cause {
    fn from(error: ClusterError) -> Self {
        match error {
            ClusterError::Secret(error @ SecretError::Unavailable { .. }) => error.into(),
            error => Self::Cluster(error),
        }
    }
}

impl Cause {
    /// Returns the cause that a cluster's answer about a release is.
    #[must_use]
    pub fn applying(error: ClusterError, release: &Release) -> Self {
        match error {
            ClusterError::Secret(error @ SecretError::Unavailable { .. }) => error.into(),
            error => Self::Applying { error: Box::new(error), release: Box::new(release.clone()) },
        }
    }

    /// Returns whether a cluster refused to delete what a release no longer has.
    pub(crate) fn is_refused_deletion(&self) -> bool {
        matches!(self, Self::Applying { error, .. } if matches!(**error, ClusterError::NotDeleted { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever asks for a login: a store that is away is no verdict on a job, and a refused login is one.
    #[test]
    fn a_store_of_registries_that_is_away_loses_the_journal() {
        let away = || LoginError::Unavailable { message: "busy".into() };
        let plugin = PluginError {
            plugin: String::new(),
            call: "login".into(),
            message: "401".into(),
            hint: None,
        };
        let refused = || LoginError::Own(Box::new(plugin.clone()));
        let built = |error| Cause::from(BuildError::Login { host: "ghcr.io".into(), error });
        let pulled = |error| Cause::from(ClusterError::login("ghcr.io", error));
        for cause in [built(away()), pulled(away())] {
            assert!(matches!(cause, Cause::JournalLost(JournalLost::Unavailable(_))), "{cause}");
        }
        for cause in [built(refused()), pulled(refused())] {
            assert!(matches!(cause, Cause::Build(_) | Cause::Cluster(_)), "{cause}");
        }
    }
}
