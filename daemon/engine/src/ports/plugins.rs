//! Ports of plugins: detectors, test runners, and those that decide hooks. `PluginStatus` describes one of any kind.

use super::source::Tree;
use crate::recorder::Recorder;
use async_trait::async_trait;
use std::collections::BTreeMap;
use windlass_model::{
    app::App,
    error::PluginError,
    hook::{About, ActionResult, Hook, HookStep},
    recipe::{Recipe, Refusal},
    testing::{TestOutput, TestPlan, TestSummary},
};

/// Answers of all detectors about one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detections {
    /// Recipes, in the operator's order.
    pub recipes: Vec<Recipe>,
    /// Refusals, in the same order.
    pub refusals: Vec<Refusal>,
    /// Detectors that gave no answer: traps, limits, errors of the host.
    pub failures: Vec<PluginError>,
}

/// Question to the detectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetectRequest {
    /// The user's versions, by runtime.
    pub versions: BTreeMap<String, String>,
    /// Detector that alone is asked, whatever its markers. `None` means all.
    pub named: Option<String>,
}

/// Detector plugins.
#[async_trait]
pub trait Detectors: Send + Sync {
    /// Asks the detectors, in the operator's order. A refusal or a failure keeps no other detector from
    /// answering. An error means that no detector could be asked.
    async fn detect(
        &self,
        tree: &dyn Tree,
        request: &DetectRequest,
        recorder: &Recorder,
    ) -> Result<Detections, PluginError>;
    /// Returns the names of the detectors, for errors that list who was asked.
    fn names(&self) -> Vec<String>;
}

/// Test-runner plugins.
#[async_trait]
pub trait TestRunners: Send + Sync {
    /// Asks the runners of the recipe's language whose files are in the tree, in the operator's order. `workdir`
    /// is the working directory of the stage that has the tools. `None` means that no plugin knows any tests.
    async fn plan(
        &self,
        tree: &dyn Tree,
        recipe: &Recipe,
        workdir: &str,
        recorder: &Recorder,
    ) -> Result<Option<TestPlan>, PluginError>;
    /// Lets a runner of this language, or the one that is named, read output and reports. `None` means that
    /// the runner finds nothing that it can read.
    async fn read(
        &self,
        language: &str,
        runner: Option<&str>,
        output: &TestOutput,
        recorder: &Recorder,
    ) -> Result<Option<TestSummary>, PluginError>;
}

/// Hooks of the operator.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Returns the hooks of an app, in the operator's order. `settings` are the app's, by the hook's name.
    fn of(&self, app: &App, settings: &BTreeMap<String, String>) -> Vec<Hook>;
    /// Returns whether an app may give this hook a command: its plugin's settings know `command`, and the operator
    /// has set none.
    fn takes_command(&self, hook: &Hook) -> bool;
    /// Asks a hook for its next step. `earlier` is the state that it returned, and the results of its batch.
    /// `None` means that the hook is asked for the first time.
    async fn next(
        &self,
        hook: &Hook,
        about: &About,
        earlier: Option<(&[u8], &[ActionResult])>,
        recorder: &Recorder,
    ) -> Result<HookStep, PluginError>;
}

/// A loaded plugin, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginStatus {
    /// Name of the manifest. Errors and `build.recipe` name the plugin by it.
    pub name: String,
    /// Version of the manifest.
    pub version: String,
    /// `detector`, `test-runner`, `registry-auth`, `deploy-hook`.
    pub world: String,
    /// Digest of the component, `sha256:…`.
    pub digest: String,
    /// Path that the plugin was loaded from.
    pub path: String,
    /// Globs of the files that make the plugin worth asking.
    pub markers: Vec<String>,
    /// Languages of a test runner.
    pub languages: Vec<String>,
    /// Rights in sentences, the most dangerous first.
    pub may: Vec<String>,
    /// Optional asks of the manifest that were not granted, each with its reason.
    pub not_granted: Vec<String>,
    /// Effects outside of the plugin's memory since it was loaded, each with a count, the last first.
    pub used: Vec<String>,
    /// Number of calls since the plugin was loaded.
    pub calls: u64,
    /// Number of calls that trapped or ran into a limit.
    pub failures: u64,
    /// Reason why the plugin is not asked any more. `None` means that it is asked.
    pub disabled: Option<String>,
}
