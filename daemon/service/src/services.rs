//! The ports that the use cases work with.

use crate::{
    inspection::Inspection,
    ports::{Planner, PluginRecords},
};
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_engine::{
    ports::store::{JobUpdates, Jobs, Releases, SecretRecords},
    queue,
};
use windlass_model::cluster::Targets;

/// All use cases. Each is a method, in the file of its own name.
#[derive(Clone)]
pub struct Services {
    /// Jobs and their events.
    pub jobs: Arc<dyn Jobs>,
    /// Ids of jobs that have new events.
    pub updates: Arc<dyn JobUpdates>,
    /// Releases that succeeded.
    pub releases: Arc<dyn Releases>,
    /// Sealed secrets.
    pub secrets: Arc<dyn SecretRecords>,
    /// The plugins of this daemon.
    pub plugins: Arc<dyn PluginRecords>,
    /// The operator's clusters.
    pub targets: Arc<Targets>,
    /// The pipeline without effects.
    pub planner: Arc<dyn Planner>,
    /// Releases as their clusters show them.
    pub inspection: Inspection,
    /// The dispatcher's inbox.
    pub queue: mpsc::UnboundedSender<queue::Message>,
}
