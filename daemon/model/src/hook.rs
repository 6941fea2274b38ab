//! Hooks: steps of a release that a plugin decides and the host carries out, round by round. Each
//! batch of actions is journaled before it is begun and each result when it is there, so that a
//! restart goes on between any two.

use crate::{app::App, diagnosis::Diagnosis, job::Image};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// A hook as the operator configured it, with what the app says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Shown, and named by apps: `migrate`.
    pub name: String,
    /// The plugin that decides.
    pub plugin: String,
    /// When.
    #[serde(rename = "moment")]
    pub phase: HookPhase,
    /// What follows where it fails.
    pub policy: Policy,
    /// The operator's words: a JSON object.
    pub settings: String,
    /// The app's words: a JSON object.
    #[serde(rename = "said")]
    pub app_settings: String,
    /// Where the secrets are that the plugin asks for, by the name that it uses.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// Source of a plugin's secret. It names the secret, and never holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum SecretSource {
    /// The project's own, by its name: each project has another.
    Project {
        /// Its name there.
        project: String,
    },
    /// A file of the daemon's host, read each time.
    File(PathBuf),
}

/// Moment at which a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HookPhase {
    /// Before any pod of the new release is made.
    BeforeTraffic,
    /// Once the new release is healthy.
    AfterRelease,
    /// After a job failed and the previous release was put back. The hook changes nothing.
    AfterFailure,
    /// After a rollback. The hook changes nothing.
    AfterRollback,
}

/// Consequence of a hook's failure. Hooks after a failure or a rollback always warn.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// A warning. The job goes on.
    Warn,
    /// The job fails where it stands. The previous release is put back only if the hook asks for it.
    Stop,
    /// The job fails, and the previous release is put back.
    #[default]
    RollBack,
}

/// What a hook wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A command in one ready pod of the new release.
    PodExec {
        /// argv.
        command: Vec<String>,
        /// How long it may take.
        timeout_ms: u32,
        /// Rather not at all than twice.
        once: bool,
    },
    /// A Job with the image, environment and secrets of the new release; never made twice.
    RunJob {
        /// argv.
        command: Vec<String>,
        /// How long it may take.
        timeout_ms: u32,
    },
    /// Nothing, for a while.
    Wait {
        /// How long.
        ms: u32,
    },
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionResult {
    /// The command ended.
    Exited {
        /// Its exit code.
        code: i32,
        /// The end of what it printed, masked.
        output: String,
    },
    /// The while is over.
    Waited,
    /// Not granted, or not possible at this moment.
    Denied(String),
    /// It did not end in time.
    TimedOut,
    /// It could not be done, or nobody knows whether it was.
    Failed(String),
    /// A Job whose pod was judged as those of a rollout are, and would not have run.
    Hopeless(Box<Diagnosis>),
}

/// What a hook wants done before it is asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// One after the other.
    pub actions: Vec<Action>,
    /// Handed back to the plugin.
    pub state: Vec<u8>,
}

/// What a hook says when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookStep {
    /// Do this and ask again.
    Run(Batch),
    /// It is over.
    Done(Done),
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Whether it did what it is for.
    pub ok: bool,
    /// In its words.
    pub message: String,
    /// It holds that what ran before should be put back.
    pub request_rollback: bool,
}

/// What a hook is told of the job that it belongs to.
#[derive(Clone, Debug)]
pub struct About {
    /// The same for each asking of this hook in this job.
    pub key: String,
    /// The job.
    pub job: String,
    /// Whose.
    pub app: App,
    /// What is deployed.
    pub commit: String,
    /// None where the job did not come that far.
    pub image: Option<Image>,
    /// Why it failed, for those that look on.
    pub failure: Option<Diagnosis>,
}

impl fmt::Display for HookPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeTraffic => "before traffic",
            Self::AfterRelease => "after the release",
            Self::AfterFailure => "after a failure",
            Self::AfterRollback => "after a rollback",
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warn => "warn",
            Self::Stop => "stop",
            Self::RollBack => "roll back",
        })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, plugin, phase, policy, .. } = self;
        write!(f, "hook {name} (`{plugin}`) {phase}; if it fails: {policy}")
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodExec { command, .. } => write!(f, "run in a pod: {}", command.join(" ")),
            Self::RunJob { command, .. } => write!(f, "run as a Job: {}", command.join(" ")),
            Self::Wait { ms } => write!(f, "wait {ms} ms"),
        }
    }
}

impl fmt::Display for ActionResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code, .. } => write!(f, "exited with {code}"),
            Self::Waited => f.write_str("waited"),
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::TimedOut => f.write_str("did not end in time"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Hopeless(diagnosis) => {
                write!(f, "failed: {} ({})", diagnosis.what, diagnosis.code)
            }
        }
    }
}

impl ActionResult {
    /// Returns what a command printed, or why its pod could not run, in several lines. Empty where the
    /// sentence of the result says it all.
    #[must_use]
    pub fn output(&self) -> String {
        match self {
            Self::Exited { output, .. } => output.clone(),
            Self::Hopeless(diagnosis) => diagnosis.to_string(),
            Self::Waited | Self::Denied(_) | Self::TimedOut | Self::Failed(_) => String::new(),
        }
    }
}
