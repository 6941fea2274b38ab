//! Messages for other doors, which show them as JSON.

use crate::{apps, outgoing};
use windlass_engine::{
    endpoint_health::Unwell,
    ports::{
        ObjectChange, PluginStatus,
        store::{
            HookRecord, JobRecord, OwnClusterRecord, OwnRegistryRecord, ProjectRecord,
            UnreadableJob,
        },
    },
};
use windlass_model::{
    delivery::Delivery, endpoint::Endpoint, job::Release, outbox::Message, preview::PreviewRecord,
};
use windlass_proto::v1;
use windlass_service::{
    AppStatus, CheckedCluster, ListedRelease, RegistryFinding, RemovedObject, Services,
};

/// Returns jobs with the reasons for which they wait.
#[must_use]
pub fn jobs(services: &Services, records: Vec<JobRecord>) -> Vec<v1::Job> {
    let waits = services.waits(&records);
    outgoing::jobs(records, waits)
}

/// Returns one job with the reason for which it waits.
#[must_use]
pub fn job(services: &Services, record: JobRecord) -> v1::Job {
    jobs(services, vec![record]).pop().unwrap_or_default()
}

/// Returns a job that cannot be read.
#[must_use]
pub fn unreadable(job: UnreadableJob) -> v1::UnreadableJob {
    outgoing::unreadable(job)
}

/// Returns the names of an app.
#[must_use]
pub fn app(app: &windlass_model::app::App) -> v1::App {
    outgoing::app(app)
}

/// Returns what serves an app, and its last jobs.
#[must_use]
pub fn status(services: &Services, status: AppStatus) -> v1::AppStatus {
    v1::AppStatus {
        app: Some(outgoing::app(&status.app)),
        clusters: status.clusters.into_iter().map(apps::cluster).collect(),
        jobs: jobs(services, status.jobs),
    }
}

/// Returns a release of a list.
#[must_use]
pub fn release(listed: &ListedRelease) -> v1::Release {
    outgoing::release(&listed.release, Some(listed.created_ms), listed.is_current)
}

/// Returns a release that serves in all of its clusters. Nothing is known of its time.
#[must_use]
pub fn serving(release: &Release) -> v1::Release {
    outgoing::release(release, None, true)
}

/// Returns a plugin.
#[must_use]
pub fn plugin(status: PluginStatus) -> v1::Plugin {
    outgoing::plugin(status)
}

/// Returns a version of a project.
#[must_use]
pub fn project(record: ProjectRecord) -> v1::Project {
    outgoing::project(record)
}

/// Returns a delivery with what came of it.
#[must_use]
pub fn delivery(delivery: Delivery) -> v1::Delivery {
    outgoing::delivery(delivery)
}

/// Returns a message of the outbox.
#[must_use]
pub fn message(message: Message) -> v1::Message {
    outgoing::message(message)
}

/// Returns an endpoint of a project, by its name, that takes no messages.
#[must_use]
pub fn unwell(found: (String, Unwell)) -> v1::UnwellEndpoint {
    outgoing::unwell(found)
}

/// Returns a hook, with its whole address where the operator configured that.
#[must_use]
pub fn hook(services: &Services, record: HookRecord) -> v1::Hook {
    outgoing::hook(record, services.hooks_url.as_deref())
}

/// Returns a registry of a project's own.
#[must_use]
pub fn registry(record: OwnRegistryRecord) -> v1::Registry {
    outgoing::registry(record)
}

/// Returns a login of a registry that does not work.
#[must_use]
pub fn registry_finding(finding: RegistryFinding) -> v1::RegistryFinding {
    outgoing::registry_finding(finding)
}

/// Returns a cluster of a project's own.
#[must_use]
pub fn own_cluster(record: OwnClusterRecord) -> v1::OwnCluster {
    outgoing::own_cluster(record)
}

/// Returns a cluster that was looked at.
#[must_use]
pub fn checked_cluster(checked: CheckedCluster) -> v1::CheckedCluster {
    outgoing::checked_cluster(checked)
}

/// Returns a preview environment.
#[must_use]
pub fn preview(record: PreviewRecord) -> v1::Preview {
    outgoing::preview(record)
}

/// Returns an address of an app.
#[must_use]
pub fn endpoint(endpoint: Endpoint) -> v1::Endpoint {
    outgoing::endpoint(endpoint)
}

/// Returns an object that a removal finds.
#[must_use]
pub fn removed(found: RemovedObject) -> v1::RemovedObject {
    outgoing::removed(found)
}

/// Returns a change of an object in a cluster.
#[must_use]
pub fn change(cluster: &str, change: ObjectChange) -> v1::ObjectChange {
    outgoing::change((cluster.to_owned(), change))
}
