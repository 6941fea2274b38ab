//! Hooks: steps of a release that a plugin decides and the host executes, batch by batch.
//!
//! Each batch of actions is journaled before it begins and each result after it, so that a restart
//! continues between any two.

use crate::{app::App, diagnosis::Diagnosis, job::Image};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// A hook as the operator configured it, with the app's settings for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Name that is shown, and by which apps configure the hook: `migrate`.
    pub name: String,
    /// The plugin that decides.
    pub plugin: String,
    #[serde(rename = "moment")]
    pub phase: HookPhase,
    pub policy: Policy,
    /// Settings of the operator: a JSON object.
    pub settings: String,
    /// Settings of the app: a JSON object.
    #[serde(rename = "said")]
    pub app_settings: String,
    /// Sources of the secrets that the plugin asks for, by the plugin's name for each.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// Source of a plugin's secret. It names the secret, and never holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum SecretSource {
    /// A secret of the app's project, so that each project has a value of its own.
    Project {
        /// Name of the project's secret.
        project: String,
    },
    /// A file of the daemon's host, read each time.
    File(PathBuf),
}

/// Point of a job at which a hook runs.
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

/// Work that a hook requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A command in one ready pod of the new release.
    PodExec {
        command: Vec<String>,
        timeout_ms: u32,
        /// At most once: a command that may have run before a restart is reported as failed, not
        /// repeated.
        once: bool,
    },
    /// A `Job` with the image, environment and secrets of the new release. It is never made twice.
    RunJob { command: Vec<String>, timeout_ms: u32 },
    /// A pause.
    Wait { ms: u32 },
}

/// The result of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionResult {
    /// The command ended.
    Exited {
        /// Exit code of the command.
        code: i32,
        /// The end of the text that the command printed, masked.
        output: String,
    },
    /// The pause ended.
    Waited,
    /// The action is not granted, or not possible at this moment. The text gives the reason.
    Denied(String),
    /// The action did not end in time.
    TimedOut,
    /// The action could not be done, or it is unknown whether it was. The text gives the reason.
    Failed(String),
    /// The pod of a `Job` cannot run. It is judged as the pods of a rollout are.
    Hopeless(Box<Diagnosis>),
}

/// Actions that a hook wants done before it is asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Actions, done one after the other.
    pub actions: Vec<Action>,
    /// Bytes that the plugin gets back when it is asked again.
    pub state: Vec<u8>,
}

/// The answer of a hook that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookStep {
    /// The hook wants actions done, and is asked again after them.
    Run(Batch),
    /// The hook ended.
    Done(Done),
}

/// The end of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The hook succeeded.
    pub ok: bool,
    /// Message of the hook.
    pub message: String,
    /// The hook wants a rollback.
    pub request_rollback: bool,
}

/// Facts that a hook gets about its job.
#[derive(Clone, Debug)]
pub struct About {
    /// Idempotency key: the same each time that this hook is asked in this job.
    pub key: String,
    /// Id of the job.
    pub job: String,
    pub app: App,
    /// Id of the commit that is deployed.
    pub commit: String,
    /// `None` means that the job ended before an image was pushed.
    pub image: Option<Image>,
    /// The failure of the job, for notification hooks. `None` means that the job did not fail.
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
    /// Returns the text that a command printed, or the reason why its pod could not run, in several
    /// lines. Empty means that the sentence of the result is complete.
    #[must_use]
    pub fn output(&self) -> String {
        match self {
            Self::Exited { output, .. } => output.clone(),
            Self::Hopeless(diagnosis) => diagnosis.to_string(),
            Self::Waited | Self::Denied(_) | Self::TimedOut | Self::Failed(_) => String::new(),
        }
    }
}
