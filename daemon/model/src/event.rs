//! What happened. A job's state is the fold of its events.

use crate::{
    endpoint::Endpoint,
    hook::{ActionResult, Batch, Hook},
    job::{CommitInfo, Release, Stage},
    outcome::Outcome,
    plan::{Cursor, Plan},
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
    /// A daemon took the job up; the first time, or again after a restart.
    Claimed {
        /// Which one.
        daemon: String,
    },
    /// A stage began.
    Started(Stage),
    /// A stage had nothing to do.
    Skipped(Stage, String),
    /// The commit is there.
    Cloned(CommitInfo),
    /// A line that a tool printed, masked.
    Log {
        /// While doing what.
        stage: Stage,
        /// The build step or command that printed it.
        source: String,
        /// Without its line end.
        line: String,
    },
    /// A step of the build, told when it ends.
    Built {
        /// As in the Dockerfile.
        step: String,
        /// Taken from the cache.
        cached: bool,
        /// How long it ran, in milliseconds.
        ms: u64,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// Something was concluded, by whom and from what.
    Decided {
        /// In which stage.
        stage: Stage,
        /// What about: `language`, `port` …
        subject: String,
        /// The answer.
        value: String,
        /// Files and rules that led there.
        evidence: Vec<String>,
    },
    /// Not wrong, but worth a look.
    Warning {
        /// In which stage.
        stage: Stage,
        /// What is the matter.
        message: String,
        /// What to do about it.
        fix: String,
    },
    /// Something that may pass is waited out; told once for each reason.
    Retrying {
        /// Which try comes next, from 2.
        attempt: u32,
        /// After how long, in milliseconds.
        after_ms: u64,
        /// What went wrong.
        because: String,
    },
    /// A plugin was asked, and what that took.
    #[serde(rename = "called")]
    PluginCalled(PluginCall),
    /// A plugin reached for something outside, or was refused it.
    #[serde(rename = "effected")]
    PluginEffect(PluginEffect),
    /// A hook wants these done before it is asked again.
    #[serde(rename = "hook_round")]
    HookRequested {
        /// Its name.
        hook: String,
        /// What it wants.
        batch: Batch,
    },
    /// An action of a hook begins.
    #[serde(rename = "hook_acting")]
    HookActionStarted {
        /// The hook's name.
        hook: String,
        /// In words.
        action: String,
    },
    /// An action of a hook is over.
    #[serde(rename = "hook_acted")]
    HookActionFinished {
        /// The hook's name.
        hook: String,
        /// What came of it.
        result: ActionResult,
    },
    /// What a plugin read out of the tests.
    Tested(TestSummary),
    /// The image is in the registry: a restart does not build again.
    Pushed(Box<Release>),
    /// Nothing is left to decide: from here on a restart goes on instead of starting again.
    Planned(Box<Plan>),
    /// A step of the plan begins.
    #[serde(rename = "taking")]
    StepStarted(Cursor, String),
    /// What nodes pull with expires: it is renewed by then, as long as the app is there.
    PullSecret {
        /// Whose.
        release: Box<Release>,
        /// The registry.
        host: String,
        /// When it is renewed, in milliseconds since 1970.
        at_ms: u64,
    },
    /// How far a rollout is.
    Rollout {
        /// Where.
        #[serde(default)]
        cluster: String,
        /// Pods of the new version that are ready.
        ready: u32,
        /// Pods that are wanted.
        wanted: u32,
    },
    /// A step of the plan is done.
    #[serde(rename = "took")]
    StepFinished(Cursor),
    /// The release serves, and answers there.
    Serving {
        /// In which cluster.
        cluster: String,
        /// Those that the world reaches first.
        endpoints: Vec<Endpoint>,
    },
    /// How the job will end once the way back is taken. Told before anything is undone, while the
    /// evidence is still there.
    #[serde(rename = "turning_back")]
    RollingBack(Outcome),
    /// A stage ended well.
    Finished(Stage),
    /// How the job ends, once the hooks that look on were told.
    #[serde(rename = "concluding")]
    OutcomeDecided {
        /// How it ends.
        outcome: Outcome,
        /// Those that are told, in order.
        hooks: Vec<Hook>,
    },
    /// The end: nothing follows.
    Ended(Outcome),
}

/// One call of one plugin, for whoever must answer for what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCall {
    /// In which stage.
    pub stage: Stage,
    /// The plugin.
    pub plugin: String,
    /// Of its component: `sha256:…`.
    pub digest: String,
    /// The exported function.
    pub call: String,
    /// Milliseconds of its own computing, in ticks of 10.
    pub cpu_ms: u64,
    /// Milliseconds from instantiating to dropping.
    pub ms: u64,
    /// The most memory that it had, in bytes.
    pub memory: u64,
    /// How often it called the host.
    pub host_calls: u64,
    /// Why it gave no answer.
    pub error: Option<String>,
}

/// One thing that a plugin did, or was refused, outside of its own memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginEffect {
    /// In which stage.
    pub stage: Stage,
    /// The plugin.
    pub plugin: String,
    /// Of its component: `sha256:…`.
    pub digest: String,
    /// The exported function that it was in.
    pub call: String,
    /// `http`, `secrets`, `actions`.
    pub capability: String,
    /// What it did to what, masked: `POST https://api.example.com/ -> 200`.
    pub what: String,
    /// Why it was refused, and what would allow it; none where it was allowed.
    pub denied: Option<String>,
    /// Bytes that came back.
    pub bytes: u64,
    /// Milliseconds.
    pub ms: u64,
}
