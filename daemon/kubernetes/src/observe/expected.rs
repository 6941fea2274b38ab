//! Workloads and Services that a release has.

use crate::{
    json::text,
    render::{self, workload_name},
};
use windlass_model::job::Release;

/// A workload that a release has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Process that the workload runs. Empty means an object of the repository's own.
    pub(crate) process: String,
}

/// Returns the workloads of a release: its processes, and those of the repository's own.
pub(crate) fn expected(release: &Release) -> Vec<Expected> {
    let runtime = &release.runtime;
    let processes = runtime.processes.iter().filter(|process| process.schedule.is_none());
    let ours = processes.map(|process| Expected {
        kind: render::kind(process).into(),
        name: workload_name(release, process),
        process: process.name.clone(),
    });
    let own = runtime.manifests.iter().filter_map(|manifest| {
        let object = render::own_object(release, manifest)?;
        let kind = text(&object, "/kind");
        matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job").then(|| Expected {
            kind: kind.into(),
            name: text(&object, "/metadata/name").into(),
            process: String::new(),
        })
    });
    ours.chain(own).collect()
}

/// Returns the Services that must have endpoints once the release is healthy.
pub(super) fn services(release: &Release) -> Vec<String> {
    let processes = release.runtime.processes.iter();
    let listening = processes.filter(|process| process.port.is_some() && process.replicas > 0);
    listening.map(|process| workload_name(release, process)).collect()
}
