//! Ports of the use cases, beside those of the store.

use async_trait::async_trait;
use windlass_engine::{
    failure::Failure,
    pipeline::{DryRun, DryRunRequest},
};
use windlass_model::{app::App, diagnosis::Diagnosis, job::Commit, revision::Revision};

/// The pipeline without effects, on the ports that jobs run on.
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
    /// Version of the plugin.
    pub version: String,
    /// `detector`, `test-runner`, `registry-auth`, `deploy-hook`.
    pub world: String,
    /// Digest of the component, `sha256:…`.
    pub digest: String,
    /// Path that it was loaded from.
    pub path: String,
    /// Files that make it worth asking.
    pub markers: Vec<String>,
    /// Languages of a test runner.
    pub languages: Vec<String>,
    /// Everything that it may do and use, the most dangerous first.
    pub may: Vec<String>,
    /// Requests of it that were not granted and that it works without, each with the reason.
    pub not_granted: Vec<String>,
    /// Effects outside of its own memory since it was loaded, each with a count, the last first.
    pub used: Vec<String>,
    /// Calls since it was loaded.
    pub calls: u64,
    /// Calls that trapped or ran into a limit.
    pub failures: u64,
    /// Reason why it is not asked any more. `None` means that it is.
    pub disabled: Option<String>,
}

/// The plugins of a daemon.
#[async_trait]
pub trait PluginRecords: Send + Sync {
    /// Returns the set that new jobs begin with.
    fn list(&self) -> Vec<PluginRecord>;
    /// Reads the configuration's plugins again: all go live, or none. Returns the changes.
    ///
    /// # Errors
    /// Names the plugin that cannot be loaded, and the reason.
    async fn reload(&self) -> Result<Vec<String>, String>;
}
