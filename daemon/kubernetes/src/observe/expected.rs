//! Workloads and Services that a release has.

use crate::{
    json::text,
    render::{self, preview_name, service_name, workload_name},
};
use windlass_model::{job::Release, runtime::WEB};

/// A workload that a release has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Process that the workload runs. Empty means an object of the repository's own.
    pub(crate) process: String,
}

/// A Service that must have endpoints, and the workload whose pods stand behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leading {
    pub(crate) service: String,
    pub(crate) workload: String,
}

/// Returns the workloads of a release: its processes, and those of the repository's own. Of a release that runs aside
/// it is the one of `web` alone.
pub(crate) fn expected(release: &Release) -> Vec<Expected> {
    let runtime = &release.runtime;
    let is_whole = runtime.aside.is_none();
    let processes = runtime.processes.iter().filter(|process| process.schedule.is_none());
    let processes = processes.filter(|process| is_whole || process.name == WEB);
    let ours = processes.map(|process| Expected {
        kind: render::kind(process).into(),
        name: workload_name(release, process),
        process: process.name.clone(),
    });
    let own = runtime.manifests.iter().filter(|_| is_whole).filter_map(|manifest| {
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
pub(super) fn services(release: &Release) -> Vec<Leading> {
    if release.runtime.aside.is_some() {
        let web = release.runtime.web().filter(|web| web.port.is_some());
        let preview =
            |web| Leading { service: preview_name(release), workload: workload_name(release, web) };
        return web.map(preview).into_iter().collect();
    }
    let processes = release.runtime.processes.iter();
    let listening = processes.filter(|process| process.port.is_some() && process.replicas > 0);
    let leading = listening.map(|process| Leading {
        service: service_name(release, process),
        workload: workload_name(release, process),
    });
    leading.collect()
}
