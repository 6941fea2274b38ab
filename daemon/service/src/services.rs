//! Services: all use cases, with the ports that they use.

use crate::{
    inspection::Inspection,
    plan_slots::PlanSlots,
    ports::{DeadMessages, LoginLinks, Planner, PluginRecords, RegistryAdmin, RemoteReader},
    quota::JobQuota,
};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use windlass_engine::{
    ports::{
        ClusterProbe, ClusterTargets, InspectBuilder, PullRequests, Uploads,
        store::{
            Deliveries, ForgeHooks, JobUpdates, Jobs, Outbox, OwnClusters, OwnRegistries, Previews,
            Projects, Releases, Runs, SecretRecords, Sessions,
        },
    },
    queue,
    shared_queue::SharedQueue,
};

/// All use cases. Each is a method, in the file of its own name.
#[derive(Clone)]
pub struct Services {
    pub jobs: Arc<dyn Jobs>,
    pub updates: Arc<dyn JobUpdates>,
    /// Jobs as the daemon runs them, with journals without their log lines. The use cases read them, and claim no job.
    pub runs: Arc<dyn Runs>,
    pub releases: Arc<dyn Releases>,
    pub secrets: Arc<dyn SecretRecords>,
    pub plugins: Arc<dyn PluginRecords>,
    /// Clusters of the operator and of projects, with the rules which apps go there.
    pub targets: Arc<dyn ClusterTargets>,
    /// Clusters of projects' own.
    pub own_clusters: Arc<dyn OwnClusters>,
    /// The look at clusters that projects bring.
    pub probe: Arc<dyn ClusterProbe>,
    pub planner: Arc<dyn Planner>,
    /// Folders that clients send to be planned.
    pub uploads: Arc<dyn Uploads>,
    /// Places in which the planner works.
    pub plan_slots: PlanSlots,
    pub quota: JobQuota,
    pub inspection: Inspection,
    /// The builder, as operators look at it.
    pub builder: Arc<dyn InspectBuilder>,
    /// Projects as people apply them.
    pub projects: Arc<dyn Projects>,
    /// Hooks that forges call.
    pub hooks: Arc<dyn ForgeHooks>,
    /// Deliveries of forges, with what came of them.
    pub deliveries: Arc<dyn Deliveries>,
    /// Messages to forges and endpoints.
    pub outbox: Arc<dyn Outbox>,
    /// Preview environments.
    pub previews: Arc<dyn Previews>,
    /// Registries of projects' own.
    pub own_registries: Arc<dyn OwnRegistries>,
    /// Rules for them, and checks of their logins.
    pub registry_admin: Arc<dyn RegistryAdmin>,
    /// Sessions of the dashboard.
    pub sessions: Arc<dyn Sessions>,
    /// Login links of the dashboard. `None` means that the daemon serves no page.
    pub login_links: Option<Arc<dyn LoginLinks>>,
    /// Address at which people reach the page, without a slash at the end. `None` means that the operator has given
    /// none.
    pub page_url: Option<String>,
    /// Repositories of projects, as they are asked outside of jobs.
    pub remotes: Arc<dyn RemoteReader>,
    /// Forges, as they are asked what became of pull requests.
    pub pulls: Arc<dyn PullRequests>,
    /// Messages of the queue that could become no job. `None` means that jobs come from no queue.
    pub dead: Option<Arc<dyn DeadMessages>>,
    /// Wakes the worker that turns deliveries into jobs.
    pub intake: Arc<Notify>,
    /// Address at which forges reach the daemon, without `/hooks` and without a slash at the end. `None` means that the
    /// operator has given none.
    pub hooks_url: Option<String>,
    /// Inbox of the dispatcher, which keeps the queue.
    pub queue: mpsc::UnboundedSender<queue::Message>,
    /// The queue itself, which knows why jobs wait.
    pub waits: SharedQueue,
}
