//! All that a store in memory keeps.

use super::{delivered::Delivered, messages::Messages, row::Row};
use std::collections::BTreeMap;
use windlass_engine::ports::store::{
    Accepted, Collected, HookRecord, JobRecord, OwnClusterRecord, ProjectRecord, SessionRecord,
    StoreError, UnreadableJob,
};
use windlass_model::{
    app::App,
    contraction::Contraction,
    due::{Due, DueKind},
    job::Release,
    outcome::Removed,
    own::registry::{OwnRegistry, RegistrySecrets},
    preview::PreviewRecord,
    secret::Secret,
};

/// Tables of a store.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) jobs: BTreeMap<String, Row>,
    /// Releases by id, each with its creation time.
    pub(super) releases: BTreeMap<String, (Release, u64)>,
    /// Releases that are kept no more, by app and id.
    pub(super) collected: BTreeMap<App, BTreeMap<String, Collected>>,
    /// Jobs that removed an app last, by app and cluster.
    pub(super) removals: BTreeMap<(App, String), String>,
    /// Times of migrations that succeeded, by app, cluster and key.
    pub(super) migrated: BTreeMap<(App, String, String), u64>,
    /// Last contractions of data, by app and cluster.
    pub(super) contracted: BTreeMap<(App, String), Contraction>,
    /// Versions by project and name.
    pub(super) secrets: BTreeMap<(String, String), Versions>,
    /// Reasons for which jobs are left alone, by id.
    pub(super) aside: BTreeMap<String, String>,
    pub(super) due: BTreeMap<(DueKind, String), Scheduled>,
    pub(super) projects: BTreeMap<String, Project>,
    pub(super) hooks: BTreeMap<String, Hook>,
    pub(super) sessions: BTreeMap<String, SessionRecord>,
    pub(super) deliveries: Delivered,
    /// Last commits by project, trigger and ref.
    pub(super) accepted: BTreeMap<(String, String, String), Accepted>,
    pub(super) messages: Messages,
    pub(super) previews: BTreeMap<App, PreviewRecord>,
    /// Versions of registries of projects' own by project and host, the oldest first.
    pub(super) own_registries: BTreeMap<(String, String), Vec<OwnVersion>>,
    /// Clusters of projects' own, by project and name.
    pub(super) own_clusters: BTreeMap<(String, String), OwnVersions>,
}

/// A version of a registry of a project's own.
#[derive(Default)]
pub(super) struct OwnVersion {
    pub(super) version: u32,
    /// `None` means that this version removed the registry.
    pub(super) registry: Option<OwnRegistry>,
    /// Empty in all versions but the newest.
    pub(super) secrets: RegistrySecrets,
    pub(super) finding: String,
    pub(super) by: String,
    pub(super) at_ms: u64,
}

/// All versions of a secret.
#[derive(Default)]
pub(super) struct Versions {
    /// Highest version that there ever was.
    pub(super) last: u32,
    /// Values by version, each with its creation time. Empty means that the secret was deleted.
    pub(super) values: BTreeMap<u32, (Secret, u64)>,
}

/// Time of due work.
pub(super) struct Scheduled {
    pub(super) at_ms: u64,
    /// Time before which nobody else takes the work. `None` means that nobody has taken it.
    pub(super) taken_until_ms: Option<u64>,
}

/// A project with all its versions, the oldest first.
#[derive(Default)]
pub(super) struct Project {
    pub(super) versions: Vec<ProjectRecord>,
    pub(super) is_deleted: bool,
}

/// Versions of a cluster of a project's own, the oldest first.
#[derive(Default)]
pub(super) struct OwnVersions {
    pub(super) versions: Vec<OwnClusterRecord>,
    /// Kubeconfig of the newest version. `None` means that it is a removal.
    pub(super) kubeconfig: Option<Secret>,
}

/// A hook with its secrets.
pub(super) struct Hook {
    pub(super) record: HookRecord,
    pub(super) secret: Secret,
    /// Secret before the current one. `None` means that there was none.
    pub(super) previous: Option<Secret>,
}

impl Tables {
    /// Returns a job that is left alone. `None` means that the job is not, or has ended.
    pub(super) fn unreadable(&self, row: &Row) -> Option<UnreadableJob> {
        if row.outcome.is_some() {
            return None;
        }
        let why = self.aside.get(&row.job.id)?.clone();
        Some(UnreadableJob { id: row.job.id.clone(), app: row.job.app.clone(), why })
    }

    /// Returns the job of a principal's earlier request.
    pub(super) fn known(
        &self,
        principal: &str,
        request_id: &str,
        body: &[u8],
    ) -> Result<Option<JobRecord>, StoreError> {
        let mut rows = self.jobs.values();
        let row = rows.find(|row| row.job.principal == principal && row.request_id == request_id);
        match row {
            Some(row) if row.body != body => Err(StoreError::RequestReused(request_id.into())),
            row => Ok(row.map(Row::record)),
        }
    }

    /// Returns the job that removed an app from a cluster last. `None` means that no job did.
    pub(super) fn removal(&self, app: &App, cluster: &str) -> Option<&String> {
        self.removals.get(&(app.clone(), cluster.to_owned()))
    }

    /// Records that the releases of an app up to a job do not serve any more.
    pub(super) fn remove(&mut self, removed: Removed) {
        let Removed { job, app, clusters } = removed;
        // Whatever comes there again may have a database of its own.
        self.migrated.retain(|(of, at, _), _| *of != app || !clusters.contains(at));
        self.contracted.retain(|(of, at), _| *of != app || !clusters.contains(at));
        for cluster in clusters {
            let last = self.removals.entry((app.clone(), cluster)).or_default();
            if *last < job {
                last.clone_from(&job);
            }
        }
    }

    /// Gives up the deletion of an image that was pushed again, for whichever environment of its app.
    pub(super) fn keep_image(&mut self, release: &Release) {
        let of = &release.app;
        let is_same = |app: &App| app.project == of.project && app.name == of.name;
        let of_app = self.collected.iter_mut().filter(|(app, _)| is_same(app));
        for one in of_app.flat_map(|(_, collected)| collected.values_mut()) {
            if one.digest == release.image.digest {
                one.tries = None;
            }
        }
    }

    pub(super) fn schedule(&mut self, due: Due) {
        let scheduled = self.due.entry((due.kind, due.key));
        let scheduled = scheduled.or_insert(Scheduled { at_ms: due.at_ms, taken_until_ms: None });
        scheduled.at_ms = scheduled.at_ms.min(due.at_ms);
        scheduled.taken_until_ms = None;
    }
}
