//! Clusters of a project's own: put with their kubeconfigs, which nobody gets back.

use crate::{caller::Caller, error::ServiceError, finish::finish, services::Services, verb::Verb};
use std::collections::BTreeSet;
use windlass_engine::ports::{ReadKubeconfig, ReviewedCluster, store::OwnClusterRecord};
use windlass_model::{
    app::{App, label},
    cluster::PodSecurity,
    error::ClusterError,
    own::cluster::{LONGEST_KUBECONFIG, MOST_CLUSTERS, OwnCluster, check_environments, check_name},
    secret::Secret,
};

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

/// Apps that an answer names, at most.
const MOST_APPS: usize = 100;

/// Jobs that an answer names, at most.
const MOST_JOBS: usize = 100;

/// Request to put a version of a cluster of a project's own.
#[derive(Clone, Debug)]
pub struct PutClusterRequest {
    pub project: String,
    /// Name by which jobs choose the cluster.
    pub name: String,
    /// Environments that are deployed there. Empty means all.
    pub environments: Vec<String>,
    pub pod_security: PodSecurity,
    /// Kubeconfig with one context, or with a current one. At most 64 KiB.
    pub kubeconfig: Secret,
    /// Store it though the cluster does not answer, or lacks rights.
    pub unchecked: bool,
}

/// A cluster of a project's own, and the findings about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCluster {
    pub record: OwnClusterRecord,
    /// Version of the API server. Empty means that it did not answer.
    pub version: String,
    /// Roles that would grant what a deploy needs and the account lacks, as YAML, one for each namespace.
    pub missing: Vec<String>,
    /// Findings that keep nothing from being stored.
    pub warnings: Vec<String>,
}

/// A cluster that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedCluster {
    /// Apps that still serve there, of many the first. Nobody changes or deletes them there any more.
    pub apps: Vec<App>,
    /// Jobs that wait or run and have the cluster among theirs, each with its app, of many the oldest.
    pub jobs: Vec<(String, App)>,
}

impl Services {
    /// Stores a version of a cluster, which the next job uses. The cluster is asked for its version and for the rights of
    /// the kubeconfig's account first.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a field, [`ServiceError::Conflict`] for a name of the operator's, and for a cluster
    /// that does not answer or lacks rights, unless the request is `unchecked`.
    pub async fn put_cluster(
        &self,
        caller: &Caller,
        request: PutClusterRequest,
    ) -> Result<CheckedCluster, ServiceError> {
        let PutClusterRequest { project, name, environments, pod_security, kubeconfig, unchecked } =
            request;
        label("project", &project, LONGEST_PROJECT)?;
        caller.may(Verb::Clusters, &project)?;
        check_name(&name)?;
        check_environments(&environments)?;
        if self.targets.operators().has(&name) {
            return Err(ServiceError::Conflict {
                reason: "cluster-name-taken",
                message: format!("`{name}` is one of the operator's clusters"),
                fix: "give the project's own another name, such as one that begins with the project's".into(),
            });
        }
        let length = kubeconfig.reveal().len();
        if length == 0 || length > LONGEST_KUBECONFIG {
            let expected = format!("must have 1 to {LONGEST_KUBECONFIG} bytes");
            return Err(ServiceError::invalid("kubeconfig", format!("({length} bytes)"), expected));
        }
        // The value may hold credentials.
        let read = self
            .probe
            .read(&kubeconfig)
            .map_err(|error| ServiceError::invalid(error.field, "(not shown)", error.problem))?;
        let ReadKubeconfig { server, kept } = read;
        let cluster = OwnCluster { environments, pod_security, server };
        let mut warnings = Vec::new();
        let reviewed = match self.review(&project, &cluster, &kept).await? {
            Ok(reviewed) => reviewed,
            Err(error) if unchecked => {
                warnings.push(error.to_string());
                ReviewedCluster::default()
            }
            Err(error) => return Err(unusable(&name, &error)),
        };
        if let Some(first) = reviewed.missing.first().filter(|_| !unchecked) {
            return Err(lacks_rights(&name, first, reviewed.missing.len()));
        }
        warnings.extend(unknown(&reviewed));
        warnings.extend(self.registry_admin.withheld(&project).await);
        let before = self.own_clusters.own_cluster(&project, &name).await?;
        let before = before.and_then(|before| before.cluster).map(|before| before.server);
        if let Some(before) = before.filter(|before| *before != cluster.server) {
            warnings.push(format!(
                "the address was {before} before: what was released to `{name}` counts as released there; for another cluster take another name"
            ));
        }
        let (clusters, by) = (self.own_clusters.clone(), caller.name.clone());
        let (of, called) = (project.clone(), name.clone());
        let stored =
            finish(
                async move { Ok(clusters.put_cluster(&of, &called, &cluster, &kept, &by).await?) },
            );
        let record = stored.await?.ok_or_else(|| ServiceError::Exhausted {
            reason: "too-many-clusters",
            message: format!(
                "project `{project}` has {MOST_CLUSTERS} clusters of its own, and no more may be"
            ),
            fix: format!("remove one: windlass cluster list {project}"),
        })?;
        let ReviewedCluster { version, missing, .. } = reviewed;
        Ok(CheckedCluster { record, version, missing, warnings })
    }

    /// Asks a stored cluster for its version, and for the rights of the kubeconfig's account. Changes nothing.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for one that is not there, [`ServiceError::Conflict`] for one that does not answer.
    pub async fn test_cluster(
        &self,
        caller: &Caller,
        project: &str,
        name: &str,
    ) -> Result<CheckedCluster, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Clusters, project)?;
        check_name(name)?;
        let opened = self.own_clusters.open_cluster(project, name).await?;
        let (record, kubeconfig) = opened.ok_or_else(|| no_cluster(project, name))?;
        // As at each use: the operator may have changed the limits since.
        self.probe.read(&kubeconfig).map_err(|error| ServiceError::Conflict {
            reason: "cluster-not-allowed",
            message: error.to_string(),
            fix: "ask the operator, or put another kubeconfig".into(),
        })?;
        let cluster = record.cluster.clone().unwrap_or_default();
        let reviewed = self.review(project, &cluster, &kubeconfig).await?;
        let reviewed = reviewed.map_err(|error| unusable(name, &error))?;
        let mut warnings: Vec<_> = unknown(&reviewed).into_iter().collect();
        if self.targets.operators().has(name) {
            warnings.push(format!(
                "`{name}` is one of the operator's clusters too: jobs that go there are refused"
            ));
        }
        warnings.extend(self.registry_admin.withheld(project).await);
        let ReviewedCluster { version, missing, .. } = reviewed;
        Ok(CheckedCluster { record, version, missing, warnings })
    }

    /// Reviews a cluster in one of the places for plans: a server that a stranger runs may take its time for each answer,
    /// and each answer memory.
    async fn review(
        &self,
        project: &str,
        cluster: &OwnCluster,
        kubeconfig: &Secret,
    ) -> Result<Result<ReviewedCluster, ClusterError>, ServiceError> {
        let review = async { Ok(self.probe.review(project, cluster, kubeconfig).await) };
        self.plan_slots.run(project, review).await
    }

    /// Returns the clusters of a project's own, by name.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list_own_clusters(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<OwnClusterRecord>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, project)?;
        let mut records = self.own_clusters.own_clusters(project).await?;
        records.retain(|record| record.cluster.is_some());
        Ok(records)
    }

    /// Returns the versions of a cluster, the newest first, removals among them. They have no kubeconfig.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a name that the project never had.
    pub async fn cluster_history(
        &self,
        caller: &Caller,
        project: &str,
        name: &str,
    ) -> Result<Vec<OwnClusterRecord>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, project)?;
        check_name(name)?;
        let versions = self.own_clusters.cluster_versions(project, name).await?;
        if versions.is_empty() { Err(no_cluster(project, name)) } else { Ok(versions) }
    }

    /// Removes a cluster, and drops the connection to it. What serves there goes on to serve.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for one that is not there.
    pub async fn remove_cluster(
        &self,
        caller: &Caller,
        project: &str,
        name: &str,
    ) -> Result<RemovedCluster, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Clusters, project)?;
        check_name(name)?;
        let (clusters, by) = (self.own_clusters.clone(), caller.name.clone());
        let (of, called) = (project.to_owned(), name.to_owned());
        let probe = self.probe.clone();
        let removed = finish(async move {
            let is_removed = clusters.remove_cluster(&of, &called, &by).await?;
            probe.forget(&of, Some(&called));
            Ok(is_removed)
        });
        if !removed.await? {
            return Err(no_cluster(project, name));
        }
        // Each stored release has its project as a text.
        let serving = self.releases.serving(&format!("\"{project}\"")).await?;
        let there = serving.into_iter().filter(|release| {
            release.app.project == project && release.clusters.iter().any(|own| own == name)
        });
        let apps: BTreeSet<_> = there.map(|release| release.app).collect();
        let mut left = Vec::new();
        for app in apps {
            if left.len() == MOST_APPS {
                break;
            }
            // Such a release may serve in another of its clusters alone.
            if self.releases.last_release(&app, name).await?.is_some() {
                left.push(app);
            }
        }
        Ok(RemovedCluster { apps: left, jobs: self.jobs_of(project, name).await? })
    }

    /// Returns the jobs of a project that have not ended and have a cluster among theirs, the oldest first.
    async fn jobs_of(&self, project: &str, name: &str) -> Result<Vec<(String, App)>, ServiceError> {
        let all = self.runs.unfinished().await?.jobs.into_iter();
        let there = all.filter(|job| {
            job.app.project == project && job.clusters.iter().any(|cluster| cluster == name)
        });
        Ok(there.map(|job| (job.id, job.app)).take(MOST_JOBS).collect())
    }
}

fn no_cluster(project: &str, name: &str) -> ServiceError {
    ServiceError::NotFound {
        what: "cluster of the project's own",
        id: name.to_owned(),
        fix: format!("list them: windlass cluster list {project}"),
    }
}

/// Returns the error for a cluster that does not answer as one.
fn unusable(name: &str, error: &ClusterError) -> ServiceError {
    let (reason, fix) = match error {
        ClusterError::Unreachable { .. } | ClusterError::NotYet { .. } => (
            "cluster-unreachable",
            "see that the daemon's machine reaches the API server; --no-check stores it all the same",
        ),
        _ => (
            "cluster-not-trusted",
            "correct credentials, certificate authority and address in the kubeconfig; --no-check stores it all the same",
        ),
    };
    let message = format!("cluster `{name}`: {error}");
    ServiceError::Conflict { reason, message, fix: fix.into() }
}

/// Returns the error for an account that lacks rights. An error travels in trailers, which clients bound: it has one of
/// the Roles.
fn lacks_rights(name: &str, role: &str, namespaces: usize) -> ServiceError {
    let more = match namespaces {
        1 => String::new(),
        more => format!("\n(and those of {} more namespaces)", more - 1),
    };
    ServiceError::Conflict {
        reason: "cluster-forbids",
        message: format!("the kubeconfig's account lacks rights in cluster `{name}`:\n{role}{more}"),
        fix: "apply this as an admin of that cluster, and bind it to the account; then put it again. --no-check stores it all the same".into(),
    }
}

/// Returns the warning about namespaces whose rights the cluster does not tell.
fn unknown(reviewed: &ReviewedCluster) -> Option<String> {
    let namespaces = &reviewed.unknown;
    (!namespaces.is_empty()).then(|| {
        format!(
            "the cluster does not tell which rights the account has in {}: the first deploy shows it",
            namespaces.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
