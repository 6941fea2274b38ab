//! Services: all use cases, with the ports that they use.

use crate::{
    inspection::Inspection,
    plan_slots::PlanSlots,
    ports::{Planner, PluginRecords},
    quota::JobQuota,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Uploads,
        store::{JobUpdates, Jobs, Releases, SecretRecords},
    },
    queue,
    shared_queue::SharedQueue,
};
use windlass_model::cluster::Targets;

/// All use cases. Each is a method, in the file of its own name.
#[derive(Clone)]
pub struct Services {
    pub jobs: Arc<dyn Jobs>,
    pub updates: Arc<dyn JobUpdates>,
    pub releases: Arc<dyn Releases>,
    pub secrets: Arc<dyn SecretRecords>,
    pub plugins: Arc<dyn PluginRecords>,
    /// Clusters of the operator, with the rules which apps go there.
    pub targets: Arc<Targets>,
    pub planner: Arc<dyn Planner>,
    /// Folders that clients send to be planned.
    pub uploads: Arc<dyn Uploads>,
    /// Places in which the planner works.
    pub plan_slots: PlanSlots,
    pub quota: JobQuota,
    pub inspection: Inspection,
    /// Inbox of the dispatcher, which keeps the queue.
    pub queue: mpsc::UnboundedSender<queue::Message>,
    /// The queue itself, which knows why jobs wait.
    pub waits: SharedQueue,
}
