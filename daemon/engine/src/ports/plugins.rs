//! Plugins: detectors, test runners, and those that decide hooks.

use super::source::Tree;
use crate::recorder::Recorder;
use async_trait::async_trait;
use std::collections::BTreeMap;
use windlass_model::{
    app::App,
    error::PluginError,
    hook::{About, ActionResult, Hook, HookStep},
    recipe::Recipe,
    testing::{TestOutput, TestPlan, TestSummary},
};

/// The answers of all detectors about one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detected {
    /// Recipes, in the operator's order.
    pub recipes: Vec<Recipe>,
    /// Refusals, in the same order.
    pub refusals: Vec<PluginError>,
}

/// The detector plugins.
#[async_trait]
pub trait Detectors: Send + Sync {
    /// Asks all, in the operator's order. A refusal keeps no other detector from answering. An error
    /// means that none could be asked.
    async fn detect(&self, tree: &dyn Tree, recorder: &Recorder) -> Result<Detected, PluginError>;
    /// Their names, for errors that say what was asked.
    fn names(&self) -> Vec<String>;
}

/// The test-runner plugins.
#[async_trait]
pub trait TestRunners: Send + Sync {
    /// Asks those of this language whose files are in the tree, in the operator's order; none where
    /// no plugin knows any tests.
    async fn plan(
        &self,
        tree: &dyn Tree,
        language: &str,
        recorder: &Recorder,
    ) -> Result<Option<TestPlan>, PluginError>;
    /// Lets a runner of this language, or this very one, read what was printed and written; none
    /// where it finds nothing that it can read.
    async fn read(
        &self,
        language: &str,
        runner: Option<&str>,
        output: &TestOutput,
        recorder: &Recorder,
    ) -> Result<Option<TestSummary>, PluginError>;
}

/// The operator's hooks.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Those of an app, in the operator's order. `said`: what the app says of them, by name.
    fn of(&self, app: &App, said: &BTreeMap<String, String>) -> Vec<Hook>;
    /// Asks a hook what it wants; `earlier`: the state that it gave and what came of its batch.
    async fn next(
        &self,
        hook: &Hook,
        about: &About,
        earlier: Option<(&[u8], &[ActionResult])>,
        recorder: &Recorder,
    ) -> Result<HookStep, PluginError>;
}
