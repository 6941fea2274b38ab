//! Ports of the use cases, beside those of the store.

use async_trait::async_trait;
use windlass_engine::{
    failure::Failure,
    pipeline::{DryRun, DryRunRequest},
};
use windlass_model::{app::App, diagnosis::Diagnosis, job::Commit, revision::Revision};

/// Pipeline without effects, on the ports that jobs run on.
#[async_trait]
pub trait Planner: Send + Sync {
    /// Finds the commit that a revision leads to now, in the repository of `commit`.
    async fn resolve(
        &self,
        app: &App,
        commit: Commit,
        revision: &Revision,
    ) -> Result<Commit, Failure>;
    /// Runs the stages up to the plan.
    async fn plan(&self, request: &DryRunRequest<'_>) -> Result<DryRun, Box<Diagnosis>>;
}

/// A loaded plugin, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginRecord {
    /// Name in errors and in `build.recipe`.
    pub name: String,
    pub version: String,
    /// `detector`, `test-runner`, `registry-auth`, `deploy-hook`.
    pub world: String,
    /// Digest of the component, `sha256:…`.
    pub digest: String,
    /// Path that the plugin was loaded from.
    pub path: String,
    /// Patterns of files that make the plugin worth asking.
    pub markers: Vec<String>,
    /// Languages of a test runner.
    pub languages: Vec<String>,
    /// Everything that the plugin may do and use, the most dangerous first.
    pub may: Vec<String>,
    /// Asks that were not granted and that the plugin works without, each with the reason.
    pub not_granted: Vec<String>,
    /// Effects since the plugin was loaded, each with a count, the last first.
    pub used: Vec<String>,
    /// Number of calls since the plugin was loaded.
    pub calls: u64,
    /// Number of calls that trapped or ran into a limit.
    pub failures: u64,
    /// Reason why the plugin is not asked any more. `None` means that it is asked.
    pub disabled: Option<String>,
}

/// Plugins of a daemon.
#[async_trait]
pub trait PluginRecords: Send + Sync {
    /// Returns the set that new jobs begin with.
    fn list(&self) -> Vec<PluginRecord>;
    /// Reads the configuration's plugins again, and returns the changes. All plugins go live, or none.
    ///
    /// # Errors
    /// Message with the plugin that cannot be loaded, and the reason.
    async fn reload(&self) -> Result<Vec<String>, String>;
}
