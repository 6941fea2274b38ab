//! Ports: traits through which the pipeline reaches the world. Adapters implement them; the engine knows no
//! adapter.

use crate::underway::Underway;
use std::sync::Arc;
use windlass_model::exposure::Exposure;

mod builder;
mod cluster;
mod inspect;
mod lease;
mod metrics;
mod plugins;
mod pulls;
mod queue;
mod registry;
mod secrets;
mod source;
pub mod store;
mod targets;
mod web_check;

pub use builder::{Build, BuildRequest, Builder, Dockerfile, ImageConfig};
pub use cluster::{
    ChangeVerb, Cluster, ClusterReader, JobEnd, Migration, ObjectChange, Observation, Watching,
};
pub use inspect::{Inspect, InspectBuilder, LogLine, LogRequest, MadeObject};
pub use lease::{Acquired, LEASE, LeaseHolder, Leases, Renewed};
pub use metrics::Metrics;
pub use plugins::{DetectRequest, Detections, Detectors, Hooks, PluginStatus, TestRunners};
pub use pulls::{PullRequests, PullStates};
pub use queue::{NotPublished, QueuePublisher};
pub use registry::{Action, Credential, ImagePlaces, Login, LoginRequest, Logins};
pub use secrets::Secrets;
pub use source::{Git, Pointers, Remotes, Tree, Upload, UploadedFile, Uploads};
pub use targets::{ClusterProbe, ClusterTargets, KubeconfigError, ReadKubeconfig, ReviewedCluster};
pub use web_check::{WebAnswer, WebCheck};

/// Ports that one job may use, and settings of the operator for all jobs.
#[derive(Clone)]
pub struct Ports {
    pub git: Arc<dyn Git>,
    /// Detector plugins. A job keeps the set that it began with.
    pub detectors: Arc<dyn Detectors>,
    /// Test-runner plugins of the same set.
    pub runners: Arc<dyn TestRunners>,
    /// Hooks of the operator, and the plugins of the same set that decide them.
    pub hooks: Arc<dyn Hooks>,
    pub builder: Arc<dyn Builder>,
    /// Clusters, as a job changes them.
    pub cluster: Arc<dyn Cluster>,
    /// Clusters, as they are checked before a change.
    pub reader: Arc<dyn ClusterReader>,
    /// Clusters, as people look at them.
    pub inspect: Arc<dyn Inspect>,
    /// Leases, by which one run at a time works on an app in a cluster.
    pub leases: Arc<dyn Leases>,
    /// New versions, as they are asked for a page before they get requests.
    pub web_check: Arc<dyn WebCheck>,
    /// Metrics of releases on their way.
    pub metrics: Arc<dyn Metrics>,
    /// Rules which apps go to which clusters. They are asked again when a job begins, since it may have waited.
    pub targets: Arc<dyn ClusterTargets>,
    pub secrets: Arc<dyn Secrets>,
    /// Releases that serve now: their hosts are not given to other projects.
    pub releases: Arc<dyn store::Releases>,
    /// Releases of all jobs that have no outcome yet: their hosts are taken, too.
    pub underway: Arc<Underway>,
    /// Rules of the operator on what a release exposes.
    pub exposure: Arc<Exposure>,
    /// Places that images are pushed to.
    pub images: Arc<dyn ImagePlaces>,
    /// Images that run as root are refused.
    pub forbid_root: bool,
}
