//! Events: the facts of a job, in the past tense. Replay folds the events of a job into its state.

use crate::{
    endpoint::Endpoint,
    hook::{ActionResult, Batch, Hook},
    job::{CommitInfo, Gate, Release, Stage},
    outcome::Outcome,
    plan::{Cursor, Plan},
    runtime::MigrationPhase,
    testing::TestSummary,
};
use serde::{Deserialize, Serialize};

pub mod examples;
mod redact;
#[cfg(test)]
mod tests;
pub mod view;

/// One fact of a job's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A daemon claimed the job, for the first time or again after a restart.
    Claimed { daemon: String },
    /// A stage began.
    Started(Stage),
    /// A stage had nothing to do. The text gives the reason.
    Skipped(Stage, String),
    /// The commit was fetched.
    Cloned(CommitInfo),
    /// A line that a tool printed, masked.
    Log {
        stage: Stage,
        /// The build step or command that printed it.
        source: String,
        /// The line without its line end.
        line: String,
    },
    /// A step of the build ended.
    Built {
        /// The step's line of the Dockerfile.
        step: String,
        /// The result is from the cache.
        cached: bool,
        /// Duration of the step in milliseconds.
        ms: u64,
        /// `None` means that the step succeeded.
        error: Option<String>,
    },
    /// A conclusion with its evidence.
    Decided {
        stage: Stage,
        /// Subject of the conclusion: `language`, `port` …
        subject: String,
        value: String,
        /// Files and rules that led to the conclusion.
        evidence: Vec<String>,
    },
    /// Something that is no failure, but worth a look.
    Warning {
        stage: Stage,
        message: String,
        /// Remedy. Empty means that none is known.
        fix: String,
    },
    /// A failure that may pass is waited out. Recorded once for each reason.
    Retrying {
        /// Number of the next try, from 2.
        attempt: u32,
        /// Pause before the next try, in milliseconds.
        after_ms: u64,
        /// The failure.
        because: String,
    },
    /// A plugin was called.
    #[serde(rename = "called")]
    PluginCalled(PluginCall),
    /// A plugin did something outside of its memory, or was refused it.
    #[serde(rename = "effected")]
    PluginEffect(PluginEffect),
    /// A hook wants a batch of actions done before it is asked again.
    #[serde(rename = "hook_round")]
    HookRequested { hook: String, batch: Batch },
    /// An action of a hook began.
    #[serde(rename = "hook_acting")]
    HookActionStarted {
        hook: String,
        /// The action as a sentence.
        action: String,
    },
    /// An action of a hook ended.
    #[serde(rename = "hook_acted")]
    HookActionFinished { hook: String, result: ActionResult },
    /// A plugin read the results of the tests.
    Tested(TestSummary),
    /// The image is in the registry. A restart does not build again.
    Pushed(Box<Release>),
    /// The job waits for an approval. The run ends, and the job does not. A restart records the same wait again.
    Held {
        gate: Gate,
        /// Name of exactly what is approved.
        digest: String,
        /// End of the wait, in milliseconds since 1970.
        until_ms: u64,
    },
    /// A person approved, and the job goes on.
    Approved {
        gate: Gate,
        /// Name of exactly what is approved.
        digest: String,
        /// The principal.
        by: String,
        /// Note of the principal. Empty means that there is none.
        note: String,
    },
    /// The plan is made. A restart continues with it instead of starting again.
    Planned(Box<Plan>),
    /// A step of the plan began. The text describes the step.
    #[serde(rename = "taking")]
    StepStarted(Cursor, String),
    /// A pull secret was made. Its login is looked at again before it expires, or after some minutes where it does
    /// not expire, for as long as the app is deployed.
    PullSecret {
        /// The release whose image nodes pull.
        release: Box<Release>,
        /// Host of the registry.
        host: String,
        /// Time of the renewal, in milliseconds since 1970.
        at_ms: u64,
    },
    /// The progress of a rollout.
    Rollout {
        /// Empty in older journals, which name no cluster.
        #[serde(default)]
        cluster: String,
        /// Number of pods of the new version that are ready.
        ready: u32,
        /// Number of pods that are wanted.
        wanted: u32,
    },
    /// Requests are shared between two versions from now on.
    TrafficShifted {
        cluster: String,
        /// Percentage of requests that the new version is to get.
        weight: u32,
        /// Numbers of pods that make the share: of the new version and of the old one. `None` means that weights of a
        /// route make it.
        pods: Option<(u32, u32)>,
    },
    /// The release stays as it is until this time, unless it is paused longer or something is not well.
    Holding {
        /// End in milliseconds since 1970.
        until_ms: u64,
    },
    /// A metric was measured. Of a long hold not every measurement is recorded.
    Measured {
        cluster: String,
        metric: String,
        /// `None` means that there was no value.
        value: Option<f64>,
        result: Measurement,
        /// Bounds of the value, or the reason why there is none.
        detail: String,
    },
    /// A person paused the release: it takes no further step.
    Paused {
        /// The principal.
        by: String,
        /// Note of the principal. Empty means that there is none.
        note: String,
    },
    /// A person ended the pause.
    Resumed {
        /// The principal.
        by: String,
        /// Note of the principal. Empty means that there is none.
        note: String,
    },
    /// Objects of the previous release are kept until this time, for a quick rollback.
    Kept {
        /// The release that serves.
        release: Box<Release>,
        /// End in milliseconds since 1970.
        until_ms: u64,
    },
    /// A backup of an app's data is there, or the data was migrated.
    Migrated {
        cluster: String,
        /// Id of the release whose migration it is.
        release: String,
        /// Digest of the image that ran: `sha256:…`.
        digest: String,
        phase: MigrationPhase,
        /// Name of exactly what was done: it is not done twice.
        key: String,
        /// Time at which it was done, or to which the data can be restored, in milliseconds since 1970.
        at_ms: u64,
    },
    /// A step of the plan ended.
    #[serde(rename = "took")]
    StepFinished(Cursor),
    /// The release serves in a cluster.
    Serving {
        cluster: String,
        /// Endpoints, first those that the world reaches.
        endpoints: Vec<Endpoint>,
    },
    /// The rollback begins, after which the job ends with this outcome. Recorded before anything is
    /// undone, while the evidence is still there.
    #[serde(rename = "turning_back")]
    RollingBack(Outcome),
    /// A stage succeeded.
    Finished(Stage),
    /// The outcome is decided. Only notification hooks run after it.
    #[serde(rename = "concluding")]
    OutcomeDecided {
        outcome: Outcome,
        /// Notification hooks, in order.
        hooks: Vec<Hook>,
    },
    /// The job ended. Nothing follows.
    Ended(Outcome),
}

/// Result of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurement {
    /// The value is within its bounds.
    Well,
    /// The value is out of its bounds.
    Failed,
    /// There is no value.
    Inconclusive,
}

/// One call of one plugin, with the resources that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCall {
    pub stage: Stage,
    pub plugin: String,
    /// Digest of the plugin's component: `sha256:…`.
    pub digest: String,
    /// The exported function.
    pub call: String,
    /// CPU time of the plugin in milliseconds, in ticks of 10.
    pub cpu_ms: u64,
    /// Duration in milliseconds, from instantiation to drop.
    pub ms: u64,
    /// Largest size of the plugin's memory, in bytes.
    pub memory: u64,
    /// Number of calls to the host.
    pub host_calls: u64,
    /// The reason why the plugin gave no answer. `None` means that it answered.
    pub error: Option<String>,
}

/// One thing that a plugin did, or was refused, outside of its memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginEffect {
    pub stage: Stage,
    pub plugin: String,
    /// Digest of the plugin's component: `sha256:…`.
    pub digest: String,
    /// The exported function that was running.
    pub call: String,
    /// `http`, `secrets`, `actions`.
    pub capability: String,
    /// The effect, masked: `POST https://api.example.com/ -> 200`.
    pub what: String,
    /// Reason for the refusal, and the setting that would allow the effect. `None` means that it was
    /// allowed.
    pub denied: Option<String>,
    /// Number of bytes that came back.
    pub bytes: u64,
    /// Duration in milliseconds.
    pub ms: u64,
}
