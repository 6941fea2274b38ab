//! What the pipeline needs from the world. Adapters implement these; nothing here knows which.

use std::sync::Arc;
use windlass_model::cluster::Targets;

mod builder;
mod cluster;
mod inspect;
mod plugins;
mod registry;
mod secrets;
mod source;
pub mod store;

pub use builder::{Build, BuildRequest, Builder, Dockerfile, ImageConfig};
pub use cluster::{ChangeVerb, Cluster, ObjectChange, Observation, Preview};
pub use inspect::{Inspect, LogLine, LogRequest};
pub use plugins::{Detected, Detectors, Hooks, TestRunners};
pub use registry::{Credential, Login, Logins};
pub use secrets::Secrets;
pub use source::{Git, Pointers, Tree};

/// All that one job may use, and what the operator decided for all jobs.
#[derive(Clone)]
pub struct Ports {
    /// Fetches commits.
    pub git: Arc<dyn Git>,
    /// The detector plugins: a job keeps the set that it began with.
    pub detectors: Arc<dyn Detectors>,
    /// The test-runner plugins, of the same set.
    pub runners: Arc<dyn TestRunners>,
    /// The operator's hooks, and the plugins of the same set that decide them.
    pub hooks: Arc<dyn Hooks>,
    /// Builds, tests and pushes.
    pub builder: Arc<dyn Builder>,
    /// Where releases run.
    pub cluster: Arc<dyn Cluster>,
    /// The same, looked at.
    pub preview: Arc<dyn Preview>,
    /// What serves there, looked at.
    pub inspect: Arc<dyn Inspect>,
    /// Which apps go to which clusters: asked again when a job begins, since it may have waited.
    pub targets: Arc<Targets>,
    /// The sealed secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Where images go, without a trailing slash: `registry.example.com/apps`.
    pub registry: String,
    /// Refuses images that run as root.
    pub forbid_root: bool,
}
