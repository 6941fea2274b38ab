//! Use cases: functions with typed requests and errors, which take a [`Caller`] and check the caller's rights.
//!
//! Every door (gRPC today) converts its own requests to those of this crate and calls [`Services`]. Nothing
//! here names a transport.

mod again;
mod approvals;
mod apps;
mod busy;
mod caller;
mod changes;
mod check;
mod clusters;
mod contract;
mod dead;
mod deliveries;
mod error;
mod events;
#[cfg(test)]
mod fakes;
mod finish;
mod folder;
mod hooks;
mod infrastructure;
mod inspection;
mod intake;
mod jobs;
mod login_link;
mod outbox;
mod overview;
mod own_clusters;
mod pause;
mod plan;
mod plan_slots;
mod plugins;
mod ports;
mod preview_list;
mod preview_push;
mod previews;
mod projects;
mod quota;
mod receivers;
mod registries;
mod releases;
mod remove;
mod rollback;
mod rollback_seen;
mod search;
mod secrets;
mod services;
mod source;
mod submit;
mod verb;
mod watch;

pub use approvals::{ApproveRequest, RejectRequest};
pub use apps::{AppStatus, LogsRequest};
pub use caller::Caller;
pub use changes::{ClusterChanges, JobChanges};
pub use contract::ContractRequest;
pub use deliveries::{Arrived, DeliveriesRequest, DeliveryPage};
pub use error::{ASK_FOR_RIGHT, ServiceError};
pub use folder::{FolderRequest, LONGEST_FILE};
pub use hooks::CreatedHook;
pub use infrastructure::{BuilderState, ClusterState, Infrastructure};
pub use inspection::{Brought, Inspection, Serving, Shown};
pub use jobs::{JobPage, JobsRequest};
pub use outbox::{MessagePage, MessagesRequest, ReplayMessages};
pub use overview::ListedApp;
pub use own_clusters::{CheckedCluster, PutClusterRequest, RemovedCluster};
pub use pause::InterventionRequest;
pub use plan::PlanRequest;
pub use plan_slots::PlanSlots;
pub use ports::{
    DeadMessage, DeadMessages, DeadPage, LoginLink, LoginLinks, Planner, PluginRecords,
    RegistryAdmin, RegistryFinding, RemoteReader, SentFiles,
};
pub use preview_list::ListedPreview;
pub use projects::{AppliedProject, ApplyProject};
pub use quota::JobQuota;
pub use registries::PutRegistryRequest;
pub use releases::{ListedRelease, ReleasePage, ReleasesRequest};
pub use remove::{RemoveRequest, RemovedObject};
pub use rollback::RollbackRequest;
pub use search::{LogHit, SearchPage, SearchRequest};
pub use secrets::PutSecretRequest;
pub use services::Services;
pub use source::SourceRequest;
pub use submit::SubmitRequest;
pub use verb::Verb;
